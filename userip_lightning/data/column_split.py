"""The split that a log brings along in a column of its own."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from userip_lightning.data.splits import Split
from userip_lightning.errors import InputError
from userip_lightning.schema import SUPPORT, TEST, TRAIN, VAL

_NAMES = {TRAIN: TRAIN, VAL: VAL, "valid": VAL, "validation": VAL, TEST: TEST, SUPPORT: SUPPORT}


@dataclass(frozen=True)
class ColumnSplit(Split):
    """A column of the log says where an event belongs.

    Args:
        column: holds ``train``, ``val`` (also ``valid`` or ``validation``), ``test`` or ``support``; the
            default is what :class:`userip_lightning.data.sources.nete.Nete` writes.
    """

    column: str = "given_split"

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    def assign(self, events: pl.DataFrame, seed: int) -> pl.Series:
        given = events[self.column].cast(pl.String)
        split = given.str.to_lowercase().replace_strict(_NAMES, default=None, return_dtype=pl.String)
        if split.null_count():
            place = int(split.is_null().arg_max() or 0)
            raise InputError(
                f"ColumnSplit: row {events['row_id'][place] + 1} of the source has {self.column} "
                f"{given[place]!r}, expected train, val, test or support; mend or delete it."
            )
        return split.alias("split")
