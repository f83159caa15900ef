"""Checks and conversions of a reader's columns; every complaint names the file and the row.

Rows are counted from 1, without a header, as :meth:`userip_lightning.schema.Interactions.validate` does.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from userip_lightning.errors import InputError


def require_columns(frame: pl.DataFrame, path: Path, required: list[str]) -> pl.DataFrame:
    """``frame`` itself.

    Raises:
        InputError: one of the ``required`` columns is missing.
    """
    for name in required:
        if name not in frame.columns:
            raise InputError(
                f"{path}: column {name!r} is missing, the file has {', '.join(frame.columns)}; "
                "check the path and the column names."
            )
    return frame


def to_numbers(values: pl.Series, dtype: pl.DataType, path: Path) -> pl.Series:
    """Strings or numbers as ``dtype``, integers cut to the whole; null and empty are null.

    Raises:
        InputError: a value is no finite number.
    """
    if values.dtype == pl.String:
        values = values.replace("", None)
    numbers = values.cast(pl.Float64, strict=False)
    bad = values.is_not_null() & ~numbers.is_finite().fill_null(False)
    if bad.any():
        row = int(bad.arg_max() or 0)
        raise InputError(
            f"{path}: row {row + 1} has {values.name} {values[row]!r}, expected a number; mend or delete it."
        )
    return numbers.cast(dtype)


def require_range(values: pl.Series, low: float, high: float, path: Path) -> pl.Series:
    """``values`` itself; null is allowed.

    Raises:
        InputError: a value lies outside ``low .. high``.
    """
    bad = ((values < low) | (values > high)).fill_null(False)
    if bad.any():
        row = int(bad.arg_max() or 0)
        raise InputError(
            f"{path}: row {row + 1} has {values.name} {values[row]:g}, expected {low:g} to {high:g}; "
            "mend or delete it."
        )
    return values


def require_all(values: pl.Series, path: Path) -> pl.Series:
    """``values`` itself.

    Raises:
        InputError: a value is null or, as a string, blank.
    """
    empty = values.is_null()
    if values.dtype == pl.String:
        empty = empty | (values.str.strip_chars() == "").fill_null(True)
    if empty.any():
        row = int(empty.arg_max() or 0)
        raise InputError(f"{path}: row {row + 1} has an empty {values.name}; fill it in or delete the row.")
    return values


def side_table(frame: pl.DataFrame, key: str, path: Path) -> pl.DataFrame:
    """One row per ``key``: identical rows are merged, columns are strings.

    Raises:
        InputError: an id is empty, or comes twice with different contents.
    """
    require_all(frame[key], path)
    frame = frame.select(pl.all().cast(pl.String)).unique(maintain_order=True)
    again = frame.filter(pl.col(key).is_duplicated())
    if not again.is_empty():
        raise InputError(
            f"{path}: {key} {again[key][0]!r} comes twice with different contents; keep one row of it."
        )
    return frame
