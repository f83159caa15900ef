"""The table of items or users: gathered from blocks on disk, then one row for every id in use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import polars as pl

from userip_lightning import parquet
from userip_lightning.errors import InputError

if TYPE_CHECKING:
    from userip_lightning.data.source import Source

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
        self._folder, self._source = folder, source
        self._parts: list[Path] = []
        self._rows = 0

    def add(self, frame: pl.DataFrame) -> None:
        """Keep a block; its rows may repeat."""
        if frame.is_empty() and self._parts:
            return
        self._parts.append(self._folder / f"{self.name}s-{len(self._parts):05d}.parquet")
        place = pl.int_range(self._rows, self._rows + pl.len(), dtype=pl.Int64)
        frame = frame.select(pl.all().cast(pl.String)).unique(maintain_order=True)
        frame.with_columns(place.alias(_PLACE)).write_parquet(self._parts[-1])
        self._rows += frame.height

    def finish(self, ids: pl.Series) -> pl.DataFrame:
        """The row of every id.

        Args:
            ids: those in use, in the order of the result.

        Raises:
            InputError: an id has different rows, or no row in a table that ought to have one; the item table
                has no ``title``.
        """
        wanted = pl.DataFrame({self.key: ids})
        if not self._parts:
            return wanted.with_columns(title=pl.lit(None, dtype=pl.String)) if self.name == "item" else wanted
        rows = parquet.scan(self._parts).join(wanted.lazy(), on=self.key, how="semi")
        table = self._one_row_each(rows.collect(engine="streaming").sort(_PLACE).drop(_PLACE))
        if self.name == "item" and "title" not in table.columns:
            raise InputError(f"{self._source.table_origin('item')}: the items have no 'title' column.")
        missing = wanted.join(table, on=self.key, how="anti")
        if self._source.complete_tables and not missing.is_empty():
            raise InputError(
                f"{self._source.origin}: {self.key} {missing[self.key][0]!r} is missing from its table."
            )
        return wanted.join(table, on=self.key, how="left", maintain_order="left")

    def _one_row_each(self, table: pl.DataFrame) -> pl.DataFrame:
        different = table.unique(maintain_order=True)
        first = different.unique(self.key, keep="first", maintain_order=True)
        self.repeated = different.height - first.height
        if self.repeated and not self._source.first_row_wins:
            again = different.filter(pl.col(self.key).is_duplicated())[self.key][0]
            raise InputError(
                f"{self._source.table_origin(self.name)}: {self.key} {again!r} comes twice with different "
                f"contents in the {self.name} table; keep one row of it."
            )
        return first
