"""Parquet files on this machine, by their paths, which are never patterns.

Polars reads ``[``, ``*`` and ``?`` in a path as a pattern and ``~`` as a home, whoever wrote it; a folder
called ``log [v2]`` is none. So this module alone hands it the paths of Parquet files. It is for files that
this program wrote; those of others go through :mod:`userip_lightning.data.parsing.foreign_parquet`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl


def scan(files: Path | Sequence[Path]) -> pl.LazyFrame:
    """The rows of one file, or of several with the same columns, in their order."""
    paths = files.absolute() if isinstance(files, Path) else [file.absolute() for file in files]
    return pl.scan_parquet(paths, glob=False, hive_partitioning=False)


def read(file: Path, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """A file in memory, or some columns of it."""
    names = None if columns is None else list(columns)
    return pl.read_parquet(file.absolute(), columns=names, glob=False, hive_partitioning=False)


def schema(file: Path) -> pl.Schema:
    """Names and types of a file's columns."""
    return scan(file).collect_schema()
