"""Item histories, one line per user: the layout of RecBole's sequential benchmark files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import polars as pl

from userip_lightning.data.parsing.columns import id_faults, nul_fault, shape_side, sift
from userip_lightning.data.parsing.delimited import read_typed
from userip_lightning.data.parsing.lines import require_file
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.data.sources.source import Block, MissingRows, Source
from userip_lightning.errors import InputError
from userip_lightning.ids import MAX_LENGTH, read_ids
from userip_lightning.integrity import file_hash

_ADVICE = "give the paths of a histories file and an items file (docs/data.md shows the layout)"

_ONE = "histories of one event, left out"


class Histories(Source):
    """Implicit logs: ``rating`` is null and ``timestamp`` is the position in the history, from 0.

    A history of one event has nothing that could be held out or learned from: it is left out and counted.

    Args:
        path: tab-separated, ``user_id:token``, ``item_id_list:token_seq`` (earlier items, oldest first,
            separated by blanks) and ``item_id:token`` (the last item); may be gzipped.
        items_path: tab-separated, ``item_id:token``, ``title:token_seq`` and any further attributes; may
            be gzipped.
        missing_items: what becomes of items without a row there: ``refuse`` the log, keep them with
            ``no_text``, or ``drop`` their events.
    """

    missing_settings = {"item": "missing_items"}  # noqa: RUF012

    def __init__(self, path: str, items_path: str, missing_items: MissingRows = "refuse") -> None:
        self.path, self.items_path = Path(path).expanduser(), Path(items_path).expanduser()
        self.missing_items = missing_items

    def table_origin(self, name: Literal["item", "user"]) -> str:
        return str(self.items_path if name == "item" else self.path)

    def identity(self) -> dict[str, object]:
        files = [file_hash(require_file(file, _ADVICE)) for file in (self.path, self.items_path)]
        return {"class": "Histories", "files": files, "missing_items": self.missing_items}

    def missing_rows(self, name: Literal["item", "user"]) -> MissingRows:
        return self.missing_items if name == "item" else "refuse"

    def blocks(self, rejects: Rejects) -> Iterator[Block]:
        for items in read_typed(self.items_path, _ADVICE, rejects, ["item_id", "title"]):
            yield Block(items=shape_side(items, "item_id", self.items_path, rejects))
        users: set[str] = set()
        events = 0
        for lines in read_typed(self.path, _ADVICE, rejects, ["user_id", "item_id_list", "item_id"]):
            faults = [fault for name in ("user_id", "item_id") for fault in id_faults(lines, name, self.path)]
            faults += [nul_fault("item_id_list"), _list_fault()]
            good = sift(lines, faults, self.path, rejects)
            good = good.with_columns(read_ids("user_id", pl.String()))
            self._require_one_row_each(good["user_id"], users)
            long = good.filter((pl.col("item_id_list").str.strip_chars() != "").fill_null(False))
            rejects.skip(_ONE, good.height - long.height)
            block = _unfolded(long, events)
            events += block.height
            yield Block(events=block)

    def _require_one_row_each(self, found: pl.Series, users: set[str]) -> None:
        """A history in two rows cannot be put in order; ``users`` are those met so far."""
        for user in found:
            if user in users:
                raise InputError(f"{self.path}: user_id {user!r} has two rows; join their histories.")
            users.add(user)


def _list_fault() -> pl.Expr:
    """An id in a list must be one."""
    long = (
        pl.col("item_id_list").str.split(" ").list.eval(pl.element().str.len_chars() > MAX_LENGTH).list.any()
    )
    return pl.when(long).then(pl.lit(f"has more than {MAX_LENGTH} characters as item_id"))


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
            read_ids("item_id", pl.String()),
            pl.lit(None, dtype=pl.Float32).alias("rating"),
            "timestamp",
            pl.lit(None, dtype=pl.String).alias("review"),
        )
    )
