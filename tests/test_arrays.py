"""Damage of an array's file is one sentence, whatever numpy makes of it."""

import re
from pathlib import Path

import numpy as np
import pytest

from userip_lightning.arrays import array_of, open_array, read_array, save_array
from userip_lightning.errors import InputError

ARRAY = np.arange(24, dtype=np.uint8).reshape(6, 4)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    save_array(tmp_path / "a.npy", ARRAY)
    return tmp_path / "a.npy"


def test_an_array_is_mapped_or_read(file: Path) -> None:
    mapped = open_array(file, "u", (None, 4))
    assert np.array_equal(mapped, ARRAY)
    assert not mapped.flags.owndata
    assert not mapped.flags.writeable
    assert read_array(file, "u", (6, 4)).flags.writeable
    assert np.array_equal(array_of(file.read_bytes(), "here"), ARRAY)


@pytest.mark.parametrize("array", [np.empty((0, 3)), np.array(5), np.array([], "U7"), ARRAY.T])
def test_arrays_of_every_shape(array: np.ndarray, tmp_path: Path) -> None:
    save_array(tmp_path / "a.npy", array)
    found = open_array(tmp_path / "a.npy")
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    assert np.array_equal(found, array)


@pytest.mark.parametrize(("kinds", "shape"), [("f", (6, 4)), ("u", (6, 5)), ("u", (24,)), ("u", (None,) * 3)])
def test_another_type_or_shape_is_damage(file: Path, kinds: str, shape: tuple[int | None, ...]) -> None:
    with pytest.raises(
        InputError, match=r"a\.npy: the file is damaged \(uint8 of shape \(6, 4\).*restore it"
    ):
        open_array(file, kinds, shape)


def test_every_byte_of_a_header_may_be_damaged(file: Path) -> None:
    whole = file.read_bytes()
    refused = 0
    for at in range(len(whole) - ARRAY.nbytes):
        for flip in (1, 4, 32, 128, 255):
            content = bytearray(whole)
            content[at] ^= flip
            file.write_bytes(content)
            try:
                found = read_array(file, "u", (None, None))
                assert found.size == ARRAY.size
            except InputError as error:
                refused += bool(re.search(r"a\.npy: the file is damaged \(.+\); restore it", str(error)))
    assert refused > 300


@pytest.mark.parametrize("size", [0, 5, 50, 128, 140, 151, 153])
def test_another_length_is_damage(file: Path, size: int) -> None:
    file.write_bytes((file.read_bytes() + b"\0")[:size])
    with pytest.raises(InputError, match=r"a\.npy: the file is damaged"):
        read_array(file, "u", (None, None))


def test_what_is_no_array(tmp_path: Path, file: Path) -> None:
    np.savez(tmp_path / "z.npz", ARRAY)
    for content in (b"PK\3\4 no archive", b"\x80\4no pickle", (tmp_path / "z.npz").read_bytes()):
        file.write_bytes(content)
        with pytest.raises(InputError, match=r"a\.npy: the file is damaged"):
            open_array(file)
        with pytest.raises(InputError, match="here: holds no array of a bank"):
            array_of(content, "here")
    file.unlink()
    with pytest.raises(InputError, match=r"a\.npy: the file is missing"):
        open_array(file)
