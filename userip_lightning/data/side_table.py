"""The table of items or users: gathered from blocks on disk, then one row for every id in use."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from userip_lightning.errors import InputError


class SideTable:
    """Rows of one table on their way from a reader's blocks.

    Args:
        name: ``item`` or ``user``.
        folder: where blocks wait.
        origin: of the source, for messages.
        first_row_wins: see :attr:`userip_lightning.data.source.Source.first_row_wins`.
        complete: see :attr:`userip_lightning.data.source.Source.complete_tables`.
    """

    def __init__(self, name: str, folder: Path, origin: str, first_row_wins: bool, complete: bool) -> None:
        self.name, self.key = name, f"{name}_id"
        #: Rows that were left out because an earlier one has the same id and other contents.
        self.repeated = 0
        self._folder, self._origin = folder, origin
        self._first_row_wins, self._complete = first_row_wins, complete
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
        rows = pl.scan_parquet(self._parts).join(wanted.lazy(), on=self.key, how="semi")
        table = self._one_row_each(rows.collect(engine="streaming").sort(_PLACE).drop(_PLACE))
        if self.name == "item" and "title" not in table.columns:
            raise InputError(f"{self._origin}: the items have no 'title' column.")
        missing = wanted.join(table, on=self.key, how="anti")
        if self._complete and not missing.is_empty():
            raise InputError(
                f"{self._origin}: {self.key} {missing[self.key][0]!r} is missing from its table."
            )
        return wanted.join(table, on=self.key, how="left", maintain_order="left")

    def _one_row_each(self, table: pl.DataFrame) -> pl.DataFrame:
        different = table.unique(maintain_order=True)
        first = different.unique(self.key, keep="first", maintain_order=True)
        self.repeated = different.height - first.height
        if self.repeated and not self._first_row_wins:
            again = different.filter(pl.col(self.key).is_duplicated())[self.key][0]
            raise InputError(
                f"{self._origin}: {self.key} {again!r} comes twice with different contents in the "
                f"{self.name} table; keep one row of it."
            )
        return first


_PLACE = "__place"
