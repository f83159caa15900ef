"""A log of one's own, in CSV, TSV or Parquet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from userip_lightning.artifact import file_hash
from userip_lightning.data.columns import require_all, require_columns, require_range, side_table, to_numbers
from userip_lightning.data.delimited import parse_table, read_text, require_file
from userip_lightning.data.source import Source
from userip_lightning.errors import InputError
from userip_lightning.schema import EVENT_COLUMNS, Interactions

_ADVICE = "give the path of a .csv, .tsv or .parquet file (.csv and .tsv may be gzipped as .gz)"


class Tabular(Source):
    """One row per event; ``user_id`` and ``item_id`` are required, everything else is optional.

    Without ``items_path`` the items are those of the log, titled by its ``title`` column if it has one.
    Columns of the log that are not our own (a label, say) are kept as they are.

    Args:
        path: the log.
        columns: our column name to the file's, for all three files; names that agree need no entry.
        items_path: one row per item: ``item_id``, ``title`` and further text attributes.
        users_path: one row per user: ``user_id`` and further text attributes.
        rating_range: lowest and highest rating that is possible; None accepts any number.
    """

    def __init__(
        self,
        path: str,
        columns: Mapping[str, str] | None = None,
        items_path: str | None = None,
        users_path: str | None = None,
        rating_range: tuple[float, float] | None = None,
    ) -> None:
        self.path = Path(path).expanduser()
        self.columns = dict(columns or {})
        self.items_path = Path(items_path).expanduser() if items_path else None
        self.users_path = Path(users_path).expanduser() if users_path else None
        self.rating_range = rating_range

    def identity(self) -> dict[str, Any]:
        files = [
            p and file_hash(require_file(p, _ADVICE)) for p in (self.path, self.items_path, self.users_path)
        ]
        return {"class": "Tabular", "columns": self.columns, "range": self.rating_range, "files": files}

    def read(self) -> Interactions:
        log = self._load(self.path, ["user_id", "item_id"])
        items = self._load(self.items_path, ["item_id", "title"]) if self.items_path else _items_of(log)
        users = self._load(self.users_path, ["user_id"]) if self.users_path else log.select("user_id")
        for ours, theirs in self.columns.items():
            if not any(ours in frame.columns for frame in (log, items, users)):
                raise InputError(
                    f"{self.path}: columns maps {ours!r} to {theirs!r}, which no file has; the log has "
                    f"{', '.join(log.columns)}."
                )
        return Interactions(
            self._events(log),
            side_table(items, "item_id", self.items_path or self.path),
            side_table(users, "user_id", self.users_path or self.path),
            str(self.path),
        ).validate()

    def _events(self, log: pl.DataFrame) -> pl.DataFrame:
        for name in ("rating", "timestamp", "review"):
            if name not in log.columns:
                log = log.with_columns(pl.lit(None, dtype=EVENT_COLUMNS[name]).alias(name))
        if log["timestamp"].dtype.is_temporal():
            log = log.with_columns(pl.col("timestamp").dt.epoch("s"))
        rating = to_numbers(log["rating"], pl.Float32(), self.path)
        if self.rating_range:
            require_range(rating, *self.rating_range, self.path)
        extra = [name for name in log.columns if name not in EVENT_COLUMNS and name != "title"]
        return log.select(
            pl.int_range(pl.len(), dtype=pl.Int64).alias("row_id"),
            require_all(log["user_id"].cast(pl.String), self.path),
            require_all(log["item_id"].cast(pl.String), self.path),
            rating,
            to_numbers(log["timestamp"], pl.Int64(), self.path),
            pl.col("review").cast(pl.String),
            *extra,
        )

    def _load(self, path: Path, required: list[str]) -> pl.DataFrame:
        frame = self._parse(require_file(path, _ADVICE))
        require_columns(frame, path, [self.columns.get(name, name) for name in required])
        return frame.rename(
            {theirs: ours for ours, theirs in self.columns.items() if theirs in frame.columns}
        )

    def _parse(self, path: Path) -> pl.DataFrame:
        kind = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
        if kind in (".csv", ".tsv"):
            return parse_table(read_text(path, _ADVICE), path, "," if kind == ".csv" else "\t", quoted=True)
        if kind == ".parquet":
            try:
                return pl.read_parquet(path)
            except pl.exceptions.PolarsError as error:
                reason = str(error).splitlines()[0]
                raise InputError(f"{path}: not a readable Parquet file ({reason}); write it again.") from None
        raise InputError(f"{path}: the format {kind or 'without a suffix'!r} is unknown; {_ADVICE}.")


def _items_of(log: pl.DataFrame) -> pl.DataFrame:
    title = pl.col("title") if "title" in log.columns else pl.lit(None, dtype=pl.String).alias("title")
    return log.select("item_id", title)
