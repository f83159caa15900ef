import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from userip_lightning.bank import keys as keys_module
from userip_lightning.bank.keys import KeyIndex


def unicode_ids(count: int) -> list[str]:
    """Ids of many widths, with spaces, a shared prefix and letters beyond Latin-1."""
    return [f"u{i}" for i in range(count)] + [f"名前 {i}" for i in range(count)] + ["a", "ab", "b a", "é"]


@pytest.mark.parametrize("ids", [["only"], [f"u{i}" for i in range(5000)], unicode_ids(1000)])
def test_finds_every_key_and_no_other(ids: list[str], tmp_path: Path) -> None:
    index, order = KeyIndex.build(np.array(ids))
    index.save(tmp_path)
    found = KeyIndex.load(tmp_path).find(np.array(ids))
    assert np.array_equal(order[found], np.arange(len(ids)))
    strangers = np.array([*(i + "x" for i in ids), "", "U0", "名", "z" * 300])
    assert (index.find(strangers) == -1).all()


def test_equal_hashes_do_not_make_equal_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys_module, "_hash", lambda words: np.zeros(len(words), dtype=np.uint64))
    ids = np.array(["anna", "arno", "a longer key than a word", "bert"])
    index, order = KeyIndex.build(ids)
    assert np.array_equal(order[index.find(ids)], np.arange(4))
    assert (index.find(np.array(["alan", "a", "a longer key than a wore"])) == -1).all()


def test_latin_keys_take_one_byte_per_character() -> None:
    assert KeyIndex.build(np.array(["aé", "b"]))[0].keys.dtype == np.uint8
    assert KeyIndex.build(np.array(["aé", "名"]))[0].keys.dtype == np.uint32


def test_empty_index_and_empty_query() -> None:
    empty, _ = KeyIndex.build(np.array([], dtype=np.str_))
    assert empty.find(np.array(["a"])).tolist() == [-1]
    assert empty.find(np.array([], dtype=np.str_)).tolist() == []


def test_the_order_is_the_same_in_another_process() -> None:
    code = "import numpy as np; from userip_lightning.bank.keys import KeyIndex; "
    code += "print(KeyIndex.build(np.array([f'u{i}' for i in range(50)]))[1].tolist())"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    _, order = KeyIndex.build(np.array([f"u{i}" for i in range(50)]))
    assert other.stdout.strip() == str(order.tolist())


def test_buckets_stay_short_for_ids_that_hardly_differ() -> None:
    for ids in ([f"{i:09d}" for i in range(50_000)], [f"{i:04d}-user-{i:04d}" for i in range(9_999)]):
        index, _ = KeyIndex.build(np.array(ids))
        assert np.diff(index.starts).max() <= 8
