"""A Parquet file of any size as blocks of rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import polars as pl

from userip_lightning.data.parsing.columns import ROW
from userip_lightning.data.parsing.foreign_parquet import Files, read_foreign


def read_parquet(path: Path) -> Iterator[pl.DataFrame]:
    """Blocks of the file's rows; at least one, which may be empty.

    Yields:
        ``ROW`` (Int64, place in the file, from 0) and the file's columns with their types.

    Raises:
        InputError: the file is damaged or no Parquet file.
    """
    return with_rows(read_foreign(Files(path, [path])))


def with_rows(frames: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """``frames`` with ``ROW``, which counts through all of them."""
    start = 0
    for frame in frames:
        yield frame.insert_column(0, pl.int_range(start, start + frame.height, eager=True).alias(ROW))
        start += frame.height
