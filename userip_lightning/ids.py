"""Ids as they come, to the strings that a bank knows: ``7``, ``7.0`` and ``"7"`` are one id.

A column of integers with a gap often comes as floats, with NaN in the gap. So whole floats are read as
integers; NaN, null and blank ids are missing.
"""

from __future__ import annotations

import polars as pl

from userip_lightning.errors import InputError

#: What an id is, for the sentences.
ID = "a string or a whole number below 2^53, without NUL characters"
_EXACT = 2**53  # from here on, a float64 does not tell neighbouring integers apart


def read_ids(name: str, dtype: pl.DataType, source: str = "events") -> pl.Expr:
    """The column ``name`` as strings; null where an id is missing or broken. Blank ones stay as they are.

    Args:
        name: of the column, as of the result.
        dtype: of the column as it comes.
        source: where the column is from, for the message.

    Raises:
        InputError: neither strings nor numbers; when this is called.
    """
    column = pl.col(name)
    if dtype.is_float():
        whole = (column == column.floor()) & (column.abs() < _EXACT)
        return pl.when(whole).then(column).cast(pl.Int64).cast(pl.String).alias(name)
    if dtype.is_integer() or dtype in (pl.String, pl.Null, pl.Categorical, pl.Enum):
        return column.cast(pl.String)
    raise InputError(
        f"{source}: column {name!r} has type {dtype}, ids are strings or integers; write it again."
    )


def is_broken(name: str, dtype: pl.DataType) -> pl.Expr:
    """Whether a value of the column ``name``, as it comes, is no id.

    Numbers: a fraction, an infinity, or 2^53 and more. Strings: one with a NUL character.
    """
    column = pl.col(name)
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        return has_nul(name)
    if not dtype.is_float():
        return pl.lit(False)
    return column.is_not_null() & column.is_not_nan() & read_ids(name, dtype).is_null()


def has_nul(name: str) -> pl.Expr:
    """Whether an id has a NUL character, which arrays of NumPy drop at its end: two ids would become one."""
    return pl.col(name).cast(pl.String).str.contains("\0", literal=True).fill_null(False)


def is_missing(name: str) -> pl.Expr:
    """Whether a row of what :func:`read_ids` read has no id, or a blank one."""
    return (pl.col(name).str.strip_chars() == "").fill_null(True)
