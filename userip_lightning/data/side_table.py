"""The table of items or users: gathered from blocks on disk, then one row for every id in use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from userip_lightning import parquet
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.errors import InputError

if TYPE_CHECKING:
    from userip_lightning.data.sources.source import Source

# No column of a table has such a name.
_PLACE = "__place"


class SideTable:
    """Rows of one table on their way from a reader's blocks.

    Args:
        name: ``item`` or ``user``.
        folder: where blocks wait.
        source: says which rows a table may lack or repeat.
    """

    def __init__(self, name: Literal["item", "user"], folder: Path, source: Source) -> None:
        self.name: Literal["item", "user"] = name
        self.key = f"{name}_id"
        #: Rows that were left out because an earlier one has the same id and other contents.
        self.repeated = 0
        #: Places of the ids without a row, among those in use.
        self.missing: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._folder, self._source = folder, source
        self._parts: list[Path] = []
        self._rows = 0

    @property
    def drops(self) -> bool:
        """Whether events without a row here are left out."""
        return self._source.missing_rows(self.name) == "drop"

    def add(self, frame: pl.DataFrame) -> None:
        """Keep a block; its rows may repeat."""
        if frame.is_empty() and self._parts:
            return
        self._parts.append(self._folder / f"{self.name}s-{len(self._parts):05d}.parquet")
        place = pl.int_range(self._rows, self._rows + pl.len(), dtype=pl.Int64)
        frame = frame.select(pl.all().cast(pl.String)).unique(maintain_order=True)
        frame.with_columns(place.alias(_PLACE)).write_parquet(self._parts[-1])
        self._rows += frame.height

    def finish(self, ids: pl.Series, rejects: Rejects, faults: list[str] | None = None) -> pl.DataFrame:
        """The row of every id.

        Args:
            ids: those in use, in the order of the result.
            rejects: rows that could not be used; as many ids as were rejected in this table may lack a row.
            faults: takes what would be refused, in sentences; None refuses it.

        Raises:
            InputError: an id has different rows, or no row in a table that ought to have one; the item table
                has no ``title``.
        """
        wanted = pl.DataFrame({self.key: ids})
        if not self._parts:
            return wanted.with_columns(title=pl.lit(None, dtype=pl.String)) if self.name == "item" else wanted
        rows = parquet.scan(self._parts).join(wanted.lazy(), on=self.key, how="semi")
        table = self._one_row_each(rows.collect(engine="streaming").sort(_PLACE).drop(_PLACE), faults)
        if self.name == "item" and "title" not in table.columns:
            raise InputError(f"{self._source.table_origin('item')}: the items have no 'title' column.")
        self.missing = np.flatnonzero(~ids.is_in(table[self.key].implode()).to_numpy())
        if self.missing.size and self._source.missing_rows(self.name) == "refuse":
            self._refuse_missing(ids, rejects, faults)
        return wanted.join(table, on=self.key, how="left", maintain_order="left")

    def _refuse_missing(self, ids: pl.Series, rejects: Rejects, faults: list[str] | None) -> None:
        """Unless the rows are among those that could not be used, as many as ``max_bad_rows`` allows."""
        origin = self._source.table_origin(self.name)
        unusable, first = rejects.of_file(origin)
        if self.missing.size <= unusable:
            return
        more = f" (and so are {self.missing.size - 1:,} more)" if self.missing.size > 1 else ""
        setting = self._source.missing_settings.get(self.name)
        _refuse(
            (f"{origin}: {unusable:,} rows cannot be used, the first: {first}. " if unusable else "")
            + f"{self._source.origin}: {self.key} {ids[int(self.missing[0])]!r} is missing from its table"
            + (f" {origin}" if origin != self._source.origin else "")
            + f"{more}; add the rows"
            + (
                f", or set {setting} to no_text (keep the events) or drop (leave them out)."
                if setting
                else "."
            ),
            faults,
        )

    def _one_row_each(self, table: pl.DataFrame, faults: list[str] | None) -> pl.DataFrame:
        different = table.unique(maintain_order=True)
        first = different.unique(self.key, keep="first", maintain_order=True)
        self.repeated = different.height - first.height
        if self.repeated and not self._source.first_row_wins:
            again = different.filter(pl.col(self.key).is_duplicated())[self.key][0]
            _refuse(
                f"{self._source.table_origin(self.name)}: {self.key} {again!r} comes twice with different "
                f"contents in the {self.name} table; keep one row of it.",
                faults,
            )
        return first


def _refuse(sentence: str, faults: list[str] | None) -> None:
    if faults is None:
        raise InputError(sentence)
    faults.append(sentence)
