"""Files of one NumPy array: written so that a full disk is noticed, opened so that damage is one sentence."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from userip_lightning.errors import InputError

Floats = NDArray[np.float64]

#: What to do about a damaged file.
REMEDY = "restore it from a copy, or delete it and run again what made it"


class _Sink(NamedTuple):
    """All of a file that numpy gets to see, so that it writes through Python."""

    write: Callable[[bytes], int]


def save_array(file: Path, array: NDArray[np.generic]) -> None:
    """``numpy.save`` that fails where the disk is full.

    numpy writes to a real file through C's buffered output and does not ask whether its last flush, of up to
    4 KiB, succeeded: a full disk would leave a truncated array, and its size in the manifest would agree.

    Raises:
        OSError: the disk is full.
    """
    with open(file, "wb") as handle:
        np.save(_Sink(handle.write), array, allow_pickle=False)


def open_array(
    file: Path, kinds: str = "biufcSUV", shape: tuple[int | None, ...] | None = None
) -> NDArray[Any]:
    """The array in a file, memory-mapped and read-only.

    Args:
        file: of :func:`save_array`.
        kinds: which it may have, NumPy's letters (``i`` and ``u`` integers, ``f`` floats, ``U`` strings).
        shape: what it has to have, None where any length will do; any shape where it is None itself.

    Raises:
        InputError: the file is missing, cannot be read, is no such file, or has another type or shape.
    """
    try:
        # numpy's parser of headers raises whatever Python's tokenizer does, and reads other kinds of file too
        found = np.load(file, mmap_mode="r", allow_pickle=False)
        array = np.asarray(found)  # indexing a memmap object costs half again as much
        size = array.nbytes + getattr(found, "offset", 0)
    except FileNotFoundError:
        raise InputError(f"{file}: the file is missing; {REMEDY}.") from None
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{file}: the file is damaged ({reason}); {REMEDY}.") from None
    fits = shape is None or (
        len(array.shape) == len(shape)
        and all(want in (None, have) for have, want in zip(array.shape, shape, strict=True))
    )
    if array.dtype.kind not in kinds or not array.dtype.isnative or not fits or size != file.stat().st_size:
        raise InputError(
            f"{file}: the file is damaged ({array.dtype} of shape {array.shape} in {file.stat().st_size} "
            f"bytes, expected shape {shape or 'any'} of kind {kinds!r}); {REMEDY}."
        )
    return array


def array_of(content: bytes, where: str) -> NDArray[np.generic]:
    """The array in a file's bytes.

    Args:
        content: of a file of :func:`save_array`.
        where: they are from, for the sentence.

    Raises:
        InputError: they are no such file.
    """
    try:
        found = np.load(io.BytesIO(content), allow_pickle=False)
        if isinstance(found, np.ndarray):
            return found
    except Exception:
        pass
    raise InputError(f"{where}: holds no array of a bank; push the bank again.")


def read_array(
    file: Path, kinds: str = "biufcSUV", shape: tuple[int | None, ...] | None = None
) -> NDArray[Any]:
    """As :func:`open_array`, read into memory."""
    return np.array(open_array(file, kinds, shape))
