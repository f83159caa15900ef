"""Parquet in many files, perhaps far away: a folder, or an address that polars can reach.

Folders named ``key=value`` are columns (Hive partitions). Files are read in the order of their paths.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from userip_lightning.data.parsing.foreign_parquet import Files, describe, read_foreign
from userip_lightning.data.parsing.parquet_blocks import with_rows
from userip_lightning.errors import InputError
from userip_lightning.integrity import file_hash


def place(path: str) -> Path | str:
    """An address stays as it is, anything else is a path."""
    return path if "://" in path else Path(path).expanduser()


def is_parquet_folder(where: Path | str) -> bool:
    """Whether :func:`read_parquet_folder` reads it: an address, or a folder."""
    return isinstance(where, str) or where.is_dir()


def folder_identity(where: Path | str) -> object:
    """What decides the rows: for a folder the names and contents of its files.

    An address cannot be hashed without fetching everything; it is known by itself, its columns and its number
    of rows.

    Raises:
        InputError: as :func:`read_parquet_folder`.
    """
    if isinstance(where, Path):
        return [[str(file.relative_to(where)), file_hash(file)] for file in _files(where)]
    found = describe(Files(where, partitions=True))
    return [where, found["rows"], found["columns"]]


def read_parquet_folder(where: Path | str) -> Iterator[pl.DataFrame]:
    """Blocks of rows; at least one, which may be empty.

    Args:
        where: a folder, or an address such as ``s3://bucket/log``, ``gs://bucket/log`` or
            ``hf://datasets/NAME/LOG``. Credentials are those that polars finds (environment, profile).

    Yields:
        ``ROW`` (Int64, place among all rows, from 0) and the columns, partitions included.

    Raises:
        InputError: no Parquet file there, or one that is damaged; the address cannot be reached.
    """
    files = _files(where) if isinstance(where, Path) else []
    return with_rows(read_foreign(Files(where, files, partitions=True)))


def _files(folder: Path) -> list[Path]:
    files = sorted(file for file in folder.rglob("*.parquet") if file.is_file())
    if not files:
        raise InputError(f"{folder}: no .parquet file in this folder or below it; check the path.")
    return files
