"""What a language model made of texts, kept text by text: another catalogue reads only what is new to it."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from userip_lightning.arrays import read_array, save_array
from userip_lightning.atomic import new_file
from userip_lightning.errors import InputError
from userip_lightning.progress_bars import piece

_CHUNK = 2048  # texts between two savings

Encode = Callable[[Sequence[str]], NDArray[np.float32]]


def encoded_texts(
    folder: Path, texts: Sequence[str], load: Callable[[], Encode], remedy: str
) -> NDArray[np.float32]:
    """[N, D] of N texts; those that are not in ``folder`` are encoded, longest last, and put there.

    A text of which the encoder makes other than finite numbers is told of, gets NaN, and is not put there.

    Args:
        folder: of one encoder; made where it is missing. Two processes that write at once lose nothing but
            the time of one of them.
        texts: equal ones are encoded once.
        load: gives the encoder, texts to [n, D]; called where a text is missing, and once.
        remedy: what to do where no text has finite numbers, as the end of a sentence.

    Raises:
        InputError: no text has finite numbers; or the folder cannot be written.
    """
    own = np.array([hashlib.sha256(text.encode()).hexdigest()[:32] for text in texts])
    known = _read(folder)
    missing = {key: text for key, text in zip(own.tolist(), texts, strict=True) if key not in known}
    if missing:
        known |= _encoded(folder, missing, load)
    broken = [text for key, text in missing.items() if key not in known]
    if not known:
        raise InputError(
            f"the language model gives no text finite numbers, tried were {len(broken)}, first "
            f"{broken[0]!r}; {remedy}."
        )
    if broken:
        warnings.warn(
            f"the language model gives {len(broken)} of {len(texts)} texts no finite numbers, the first of "
            f"them {broken[0]!r}; they say nothing, and the rest goes on.",
            stacklevel=2,
        )
    lost = np.full_like(next(iter(known.values())), np.nan)
    return np.stack([known.get(key, lost) for key in own.tolist()])


def _encoded(
    folder: Path, missing: dict[str, str], load: Callable[[], Encode]
) -> dict[str, NDArray[np.float32]]:
    """Rows of those texts that have finite numbers; a chunk that is done is saved at once."""
    waiting = sorted(missing, key=lambda key: (len(missing[key]), key))
    found = dict[str, NDArray[np.float32]]()
    with piece("item texts read") as reading:
        encode = load()
        for first in range(0, len(waiting), _CHUNK):
            chunk = waiting[first : first + _CHUNK]
            rows = encode([missing[key] for key in chunk])
            whole = np.asarray(np.isfinite(rows).all(axis=1)).tolist()
            kept = {key: row for key, row, fine in zip(chunk, rows, whole, strict=True) if fine}
            if kept:
                _write(folder, kept)
            found |= kept
            reading.at(first + len(chunk), len(waiting))
    return found


def _read(folder: Path) -> dict[str, NDArray[np.float32]]:
    """Of all chunks, and of the one file that earlier versions kept."""
    known = dict[str, NDArray[np.float32]]()
    for file in sorted(folder.glob("rows*.npy")):
        stored = read_array(file, "V")
        known |= zip(stored["key"].tolist(), stored["row"], strict=True)
    return known


def _write(folder: Path, chunk: dict[str, NDArray[np.float32]]) -> None:
    """One file, named by its texts, so that keys and rows cannot come from two writers."""
    name = hashlib.sha256("".join(chunk).encode()).hexdigest()[:16]
    file, rows = folder / f"rows-{name}.npy", np.stack(list(chunk.values()))
    stored = np.empty(len(rows), dtype=[("key", "U32"), ("row", np.float32, rows.shape[1:])])
    stored["key"], stored["row"] = list(chunk), rows
    with new_file(file) as draft:
        save_array(draft, stored)
