"""Whether files are what was written: hashes that a manifest keeps, and what of them is checked when.

SHA-256 of every file's bytes is kept, and of files above ``WHOLE`` bytes also that of a *sample*: ``BLOCKS``
blocks of ``BLOCK`` bytes, evenly spaced, the first and the last one among them. Opening an artifact hashes
files up to ``WHOLE`` bytes whole and of larger ones the sample, the smallest files first, up to ``MOST``
bytes in all; of the rest it looks at the size alone. So a truncated file, one that was replaced and a damaged
header or end are found at once, and a flipped byte between the blocks of a large file by :func:`damaged`
alone (`userip verify`), which reads it all.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

#: Bytes of the largest file that opening an artifact hashes whole.
WHOLE = 1 << 20
BLOCK, BLOCKS = 1 << 16, 16
#: Bytes that opening an artifact hashes at most.
MOST = 64 << 20
#: Key of a manifest's own hash.
SEAL = "checksum"

Progress = Callable[[int], object]  # is called with bytes that are done


def file_hash(path: str | Path, progress: Progress = lambda done: None) -> str:
    """SHA-256 of a file's bytes, in hex."""
    digest = hashlib.sha256()
    with open(path, "rb") as handle:
        while chunk := handle.read(1 << 20):
            digest.update(chunk)
            progress(len(chunk))
    return digest.hexdigest()


def sample_hash(file: Path) -> str:
    """SHA-256, in hex, of blocks of a file of at least ``BLOCK`` bytes."""
    digest = hashlib.sha256()
    last = file.stat().st_size - BLOCK
    with open(file, "rb") as handle:
        for number in range(BLOCKS):
            handle.seek(number * last // (BLOCKS - 1))
            digest.update(handle.read(BLOCK))
    return digest.hexdigest()


def hashes(folder: Path, sizes: Mapping[str, int]) -> tuple[dict[str, str], dict[str, str]]:
    """Of files of these sizes: SHA-256 of all, and of the samples of large ones."""
    whole = {name: file_hash(folder / name) for name in sizes}
    return whole, {name: sample_hash(folder / name) for name, size in sizes.items() if size > WHOLE}


def damaged_at_open(
    folder: Path, sizes: Mapping[str, int], whole: Mapping[str, str], samples: Mapping[str, str]
) -> str | None:
    """Name of a file that is not what was written, as far as opening looks.

    Raises:
        OSError: a file cannot be read.
    """
    left = MOST
    for name in sorted(whole, key=lambda name: sizes[name]):
        left -= min(sizes[name], WHOLE)
        if left < 0:
            return None
        file = folder / name
        if (sample_hash(file) != samples[name]) if name in samples else (file_hash(file) != whole[name]):
            return name
    return None


def damaged(
    folder: Path, whole: Mapping[str, str], names: Iterable[str], progress: Progress = lambda done: None
) -> list[str]:
    """Those of ``names`` that have a hash and are not what was written, to the last byte.

    Raises:
        OSError: a file cannot be read.
    """
    return [name for name in names if name in whole and file_hash(folder / name, progress) != whole[name]]


def sealed(record: Mapping[str, object]) -> dict[str, object]:
    """A JSON object with its own hash in it."""
    return {**record, SEAL: _own_hash(record)}


def is_intact(record: Mapping[str, object]) -> bool:
    """Whether a JSON object is what :func:`sealed` made."""
    return record.get(SEAL) == _own_hash(record)


def _own_hash(record: Mapping[str, object]) -> str:
    own = {name: value for name, value in record.items() if name != SEAL}
    text = json.dumps(own, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
