"""Ids in a CSV file that somebody may open in a spreadsheet.

A cell that begins with one of ``= + - @``, a tab or an end of line is run as a formula, and may start
programs or send other cells away. ``'`` in front makes it a text, as OWASP says ("CSV Injection"). Whole
numbers with a sign, as hashes are, run nothing and stay as they are. An id that begins with ``'`` gets one
more, so that taking one away gives every id again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

_FORMULA = r"^['=+\-@＝＋－＠\t\r\n]"
_NUMBER = r"^[+-][0-9]+$"


def harmless(column: str) -> pl.Expr:
    """The text column, with ``'`` in front of what a spreadsheet would run."""
    import polars as pl

    text = pl.col(column)
    runs = text.str.contains(_FORMULA) & ~text.str.contains(_NUMBER)
    return pl.when(runs).then(pl.concat_str(pl.lit("'"), text)).otherwise(text).alias(column)
