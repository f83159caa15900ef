"""Shards of the streaming schedule."""

from pathlib import Path

import numpy as np
import pytest

from userip_lightning.errors import InputError
from userip_lightning.profile.shards import ShardStore

SAME = {"language model": "a", "prompt": "b"}


def test_shards_come_back_as_one_table(tmp_path: Path) -> None:
    z = np.random.default_rng(0).normal(size=(5, 2, 1, 3)).astype(np.float32)
    store = ShardStore(tmp_path / "shards", SAME)
    for first in (4, 0, 2):
        store.write(first, z[first : first + 2])
    again = ShardStore(tmp_path / "shards", SAME)
    assert again.done() == {0, 2, 4}
    again.merge(5)
    assert np.array_equal(again.merged(), z)
    assert again.done() == {0, 2, 4}
    assert np.array_equal(again.rows(np.array([3, 0, 4]), 2), z[[3, 0, 4]])


def test_a_missing_user_is_noticed(tmp_path: Path) -> None:
    store = ShardStore(tmp_path, SAME)
    store.write(0, np.zeros((1, 1, 1, 2), np.float32))
    with pytest.raises(InputError, match="2 of 3 users have no profile yet"):
        store.merge(3)
    with pytest.raises(InputError, match="user row 2 has no profile yet"):
        store.rows(np.array([0, 2]), 1)


def test_half_a_shard_does_not_count(tmp_path: Path) -> None:
    store = ShardStore(tmp_path, SAME)
    (tmp_path / "000000000000.123.part").write_bytes(b"half")
    assert not store.done()


def test_shards_of_something_else_are_refused(tmp_path: Path) -> None:
    ShardStore(tmp_path, SAME)
    with pytest.raises(InputError, match="inferred with another prompt"):
        ShardStore(tmp_path, {**SAME, "prompt": "c"})
