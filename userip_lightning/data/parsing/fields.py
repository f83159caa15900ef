"""Whether a file of JSON lines is the one that a reader expects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import polars as pl

from userip_lightning.errors import InputError


def require_fields(
    frames: Iterable[pl.DataFrame], path: Path, names: Sequence[str], advice: str
) -> Iterator[pl.DataFrame]:
    """``frames`` themselves; a file of another kind is found out at its first block.

    Args:
        frames: blocks of one file.
        path: the file.
        names: columns that every row should have.
        advice: what to do otherwise, as the end of a sentence.

    Raises:
        InputError: no row of the first block that has rows has one of ``names``.
    """
    seen = False
    for frame in frames:
        if not seen and frame.height:
            seen = True
            for name in names:
                if frame[name].null_count() == frame.height:
                    raise InputError(
                        f"{path}: none of the first {frame.height} rows has a field {name!r}; {advice}."
                    )
        yield frame
