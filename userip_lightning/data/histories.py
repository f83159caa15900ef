"""Item histories, one line per user: the layout of RecBole's sequential benchmark files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import polars as pl

from userip_lightning.artifact import file_hash
from userip_lightning.data.columns import blank_fault, shape_side, sift
from userip_lightning.data.delimited import read_typed
from userip_lightning.data.lines import require_file
from userip_lightning.data.rejects import Rejects
from userip_lightning.data.source import Block, Source
from userip_lightning.errors import InputError

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

    @property
    def origin(self) -> str:
        return str(self.path)

    def table_origin(self, name: Literal["item", "user"]) -> str:
        return str(self.items_path if name == "item" else self.path)

    def identity(self) -> dict[str, Any]:
        files = [file_hash(require_file(file, _ADVICE)) for file in (self.path, self.items_path)]
        return {"class": "Histories", "files": files}

    def blocks(self, rejects: Rejects) -> Iterator[Block]:
        for items in read_typed(self.items_path, _ADVICE, rejects, ["item_id", "title"]):
            yield Block(items=shape_side(items, "item_id", self.items_path, rejects))
        users: set[str] = set()
        events = 0
        for lines in read_typed(self.path, _ADVICE, rejects, ["user_id", "item_id_list", "item_id"]):
            faults = [blank_fault(name) for name in ("user_id", "item_id_list", "item_id")]
            good = sift(lines, faults, self.path, rejects)
            self._require_one_row_each(good["user_id"], users)
            block = _unfolded(good, events)
            events += block.height
            yield Block(events=block)

    def _require_one_row_each(self, found: pl.Series, users: set[str]) -> None:
        """A history in two rows cannot be put in order; ``users`` are those met so far."""
        for user in found:
            if user in users:
                raise InputError(f"{self.path}: user_id {user!r} has two rows; join their histories.")
            users.add(user)


def _unfolded(lines: pl.DataFrame, before: int) -> pl.DataFrame:
    """One row per item of every history; ``before`` events came earlier."""
    earlier = pl.col("item_id_list").str.strip_chars().str.split(" ")
    return (
        lines.select("user_id", item_id=pl.concat_list(earlier, "item_id"))
        .with_columns(timestamp=pl.int_ranges(pl.col("item_id").list.len(), dtype=pl.Int64))
        .explode("item_id", "timestamp")
        .filter(pl.col("item_id").str.len_chars() > 0)
        .select(
            pl.int_range(before, before + pl.len(), dtype=pl.Int64).alias("row_id"),
            "user_id",
            "item_id",
            pl.lit(None, dtype=pl.Float32).alias("rating"),
            "timestamp",
            pl.lit(None, dtype=pl.String).alias("review"),
        )
    )
