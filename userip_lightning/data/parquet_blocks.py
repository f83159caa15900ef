"""A Parquet file of any size as blocks of rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from userip_lightning.data.columns import ROW
from userip_lightning.errors import InputError

#: What polars does with a damaged file; it panics where a length in it is wrong.
DAMAGE = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)
_ROWS = 200_000


def read_parquet(path: Path) -> Iterator[pl.DataFrame]:
    """Blocks of the file's rows; at least one, which may be empty.

    Yields:
        ``ROW`` (Int64, place in the file, from 0) and the file's columns with their types.

    Raises:
        InputError: the file is damaged or no Parquet file.
    """
    try:
        scan = pl.scan_parquet(path)
        rows = scan.select(pl.len()).collect().item()
        for start in range(0, max(rows, 1), _ROWS):
            frame = scan.slice(start, _ROWS).collect()
            yield frame.insert_column(0, pl.int_range(start, start + frame.height, eager=True).alias(ROW))
    except DAMAGE as error:
        reason = next(iter(str(error).splitlines()), "damaged")
        raise InputError(f"{path}: not a readable Parquet file ({reason}); write it again.") from None
