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
    for users in (np.array([4, 0]), np.array([2]), np.array([1, 3])):
        store.write(users, z[users])
    assert sorted(ShardStore(tmp_path / "shards", SAME).done()) == [0, 1, 2, 3, 4]
    assert np.array_equal(store.gather(5), z)


def test_a_missing_user_is_noticed(tmp_path: Path) -> None:
    store = ShardStore(tmp_path, SAME)
    store.write(np.array([0]), np.zeros((1, 1, 1, 2), np.float32))
    with pytest.raises(InputError, match="2 of 3 users have no profile yet"):
        store.gather(3)


def test_half_a_shard_does_not_count(tmp_path: Path) -> None:
    store = ShardStore(tmp_path, SAME)
    (tmp_path / "0000000000-00000000.part").write_bytes(b"half")
    assert store.done().size == 0


def test_shards_of_something_else_are_refused(tmp_path: Path) -> None:
    ShardStore(tmp_path, SAME)
    with pytest.raises(InputError, match="inferred with another prompt"):
        ShardStore(tmp_path, {**SAME, "prompt": "c"})
