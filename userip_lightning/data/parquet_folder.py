"""Parquet in many files, perhaps far away: a folder, or an address that polars can reach.

Folders named ``key=value`` are columns (Hive partitions). Files are read in the order of their paths.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from userip_lightning.artifact import file_hash
from userip_lightning.data.columns import ROW
from userip_lightning.data.parquet_blocks import DAMAGE
from userip_lightning.errors import InputError

_ROWS = 200_000


def place(path: str) -> Path | str:
    """An address stays as it is, anything else is a path."""
    return path if "://" in path else Path(path).expanduser()


def is_parquet_folder(where: Path | str) -> bool:
    """Whether :func:`read_parquet_folder` reads it: an address, or a folder."""
    return isinstance(where, str) or where.is_dir()


def folder_identity(where: Path | str) -> Any:
    """What decides the rows: for a folder the names and contents of its files.

    An address cannot be hashed without fetching everything; it is known by itself, its columns and its number
    of rows.

    Raises:
        InputError: as :func:`read_parquet_folder`.
    """
    if isinstance(where, Path):
        return [[str(file.relative_to(where)), file_hash(file)] for file in _files(where)]
    scan = _scan(where)
    try:
        rows, columns = scan.select(pl.len()).collect().item(), dict(scan.collect_schema())
    except DAMAGE as error:
        raise _unreadable(where, error) from None
    return [where, rows, {name: str(dtype) for name, dtype in columns.items()}]


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
    scan, start = _scan(where), 0
    try:
        for frame in scan.collect_batches(chunk_size=_ROWS, maintain_order=True):
            yield frame.insert_column(0, pl.int_range(start, start + frame.height, eager=True).alias(ROW))
            start += frame.height
        if not start:
            yield pl.DataFrame(schema={ROW: pl.Int64(), **scan.collect_schema()})
    except DAMAGE as error:
        raise _unreadable(where, error) from None


def _scan(where: Path | str) -> pl.LazyFrame:
    """Partitions stay text: guessed as numbers, the ids 007 and 7 would be one."""
    files = where if isinstance(where, str) else _files(where)
    try:
        stored = pl.scan_parquet(files, hive_partitioning=False).collect_schema()
        every = pl.scan_parquet(files, hive_partitioning=True).collect_schema()
        partitions = {name: pl.String() for name in every if name not in stored}
        return pl.scan_parquet(files, hive_partitioning=True, hive_schema=partitions)
    except DAMAGE as error:
        raise _unreadable(where, error) from None


def _files(folder: Path) -> list[Path]:
    files = sorted(file for file in folder.rglob("*.parquet") if file.is_file())
    if not files:
        raise InputError(f"{folder}: no .parquet file in this folder or below it; check the path.")
    return files


def _unreadable(where: Path | str, error: BaseException) -> InputError:
    reason = str(error).split("\n")[0].strip(" :")[:200]
    if isinstance(where, Path):
        return InputError(f"{where}: not readable as one Parquet table ({reason}); write its files again.")
    return InputError(
        f"{where}: cannot be reached or read ({reason}); check the address, the network and your "
        "credentials, or copy the folder to this machine."
    )
