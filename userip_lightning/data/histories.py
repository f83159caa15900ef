"""Item histories, one line per user: the layout of RecBole's sequential benchmark files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from userip_lightning.artifact import file_hash
from userip_lightning.data.columns import require_all, side_table
from userip_lightning.data.delimited import parse_typed, read_text, require_file
from userip_lightning.data.source import Source
from userip_lightning.errors import InputError
from userip_lightning.schema import EVENT_COLUMNS, Interactions

_ADVICE = "give the paths of a histories file and an items file (docs/data.md shows the layout)"


class Histories(Source):
    """Implicit logs: ``rating`` is null and ``timestamp`` is the position in the history, from 0.

    Args:
        path: tab-separated, ``user_id:token``, ``item_id_list:token_seq`` (earlier items, oldest first,
            separated by blanks) and ``item_id:token`` (the last item); may be gzipped.
        items_path: tab-separated, ``item_id:token``, ``title:token_seq`` and any further attributes; may
            be gzipped.
    """

    def __init__(self, path: str, items_path: str) -> None:
        self.path, self.items_path = Path(path).expanduser(), Path(items_path).expanduser()

    def identity(self) -> dict[str, Any]:
        files = [file_hash(require_file(file, _ADVICE)) for file in (self.path, self.items_path)]
        return {"class": "Histories", "files": files}

    def read(self) -> Interactions:
        columns = ["user_id", "item_id_list", "item_id"]
        lines = parse_typed(read_text(self.path, _ADVICE), self.path, columns)
        self._require_histories(lines)
        earlier = pl.col("item_id_list").str.strip_chars().str.split(" ")
        events = (
            lines.select("user_id", item_id=pl.concat_list(earlier, "item_id"))
            .with_columns(timestamp=pl.int_ranges(pl.col("item_id").list.len(), dtype=pl.Int64))
            .explode("item_id", "timestamp")
            .filter(pl.col("item_id").str.len_chars() > 0)
            .with_columns(
                row_id=pl.int_range(pl.len(), dtype=pl.Int64),
                rating=pl.lit(None, dtype=pl.Float32),
                review=pl.lit(None, dtype=pl.String),
            )
        )
        items = parse_typed(read_text(self.items_path, _ADVICE), self.items_path, ["item_id", "title"])
        items = side_table(items, "item_id", self.items_path)
        return Interactions(
            events.select(list(EVENT_COLUMNS)), items, lines.select("user_id"), str(self.path)
        ).validate()

    def _require_histories(self, lines: pl.DataFrame) -> None:
        for column in ("user_id", "item_id_list", "item_id"):
            require_all(lines[column], self.path)
        again = lines["user_id"].is_duplicated()
        if again.any():
            user = lines["user_id"].filter(again)[0]
            raise InputError(f"{self.path}: user_id {user!r} has two rows; join their histories.")
