"""Labels as they come, in logs and where somebody hands events over: 1, 0, True and False, also as text."""

from __future__ import annotations

import polars as pl


def read_label(name: str, dtype: pl.DataType) -> pl.Expr:
    """The column ``name`` as Float64: 1 or 0, another number where there is one, null for anything else.

    Args:
        name: of the column, as of the result.
        dtype: of the column as it comes; ``true`` and ``false`` are read in any case.
    """
    column = pl.col(name)
    if dtype not in (pl.String, pl.Categorical, pl.Enum):
        return column.cast(pl.Float64, strict=False)
    text = column.cast(pl.String).str.strip_chars()
    word = text.str.to_lowercase()
    said = pl.when(word == "true").then(1.0).when(word == "false").then(0.0)
    return said.otherwise(text.cast(pl.Float64, strict=False)).alias(name)
