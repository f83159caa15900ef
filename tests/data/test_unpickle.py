import os
import pickle
from pathlib import Path

import pytest

from userip_lightning.data.parsing.unpickle import load_plain
from userip_lightning.errors import InputError

RECORDS = [
    {"user": "u", "item": "i", "rating": 4, "template": ("room", "clean", "the room is clean", 1), "x": None},
    {"user": "ü", "item": 7, "rating": 4.5, "template": (), "x": [True, -(2**70), b"raw", {1: {}}]},
]


class Call:
    """What a malicious pickle looks like: it creates a file while it is read."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("protocol", range(6))
def test_plain_data_comes_back_as_it_was(tmp_path: Path, protocol: int) -> None:
    (tmp_path / "plain").write_bytes(pickle.dumps(RECORDS if protocol > 2 else RECORDS[:1], protocol))
    assert load_plain(tmp_path / "plain") == (RECORDS if protocol > 2 else RECORDS[:1])


@pytest.mark.parametrize("protocol", range(6))
def test_nothing_is_run(tmp_path: Path, protocol: int) -> None:
    trap = tmp_path / "trap"
    (tmp_path / "evil").write_bytes(pickle.dumps([RECORDS[0], Call(str(trap))], protocol))
    with pytest.raises(InputError, match=r"evil: the pickle holds (STACK_)?GLOBAL.* can run code"):
        load_plain(tmp_path / "evil")
    assert not trap.exists()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"hello",
        b".",
        b"]r\xff\xff\xff\x7f",
        b"(K\x01s.",
        b"}(t(tu.",
        b"X\xff\xff\xff\x7fa.",
        b"\x80\x05\x95\xff\xff\xff\xff\xff\xff\xff\x7f",
        pickle.dumps(RECORDS)[:-20],
        pickle.dumps({(1, 2): 3}),
        b")" + b"\x85" * 100_000 + b"}h\x00K\x01s.",
    ],
)
def test_damage_is_one_sentence(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "bad").write_bytes(raw)
    with pytest.raises(InputError, match="bad: ") as caught:
        load_plain(tmp_path / "bad")
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="could not be read"):
        load_plain(tmp_path / "none")
