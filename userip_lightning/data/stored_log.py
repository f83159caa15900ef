"""A log on disk in one normal form, whatever its format and size: Parquet for the text, arrays for the ids.

Reviews and other text never stay in memory. What does is a row id and two integers per event, the ids
themselves, and the tables of the items and users that occur in the events.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from userip_lightning import parquet
from userip_lightning.data.id_codes import IdCodes
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.data.side_table import SideTable
from userip_lightning.errors import InputError
from userip_lightning.progress_bars import piece
from userip_lightning.schema import EVENT_COLUMNS

if TYPE_CHECKING:
    from userip_lightning.data.sources.source import Source

_PART_BYTES = 64 << 20


@dataclass(frozen=True)
class StoredLog:
    """What :func:`store` made of a source. N events, U users and I items that occur in them.

    Args:
        origin: of the source, for messages.
        parts: Parquet files with the events in order of ``row_id``: EVENT_COLUMNS, then further columns.
        row_id: [N], growing.
        user: [N], place of the event's user in ``users``.
        item: [N], place of the event's item in ``items``.
        users: one row per user in order of ``user_id``.
        items: one row per item in order of ``item_id``.
        repeated: table to its rows that were left out because an earlier row has the same id.
        missing: table to the ids that have no row in it where it has rows.
        left_out: [N], whether an event is left out for want of such a row.
    """

    origin: str
    parts: tuple[Path, ...]
    row_id: NDArray[np.int64]
    user: NDArray[np.int32]
    item: NDArray[np.int32]
    users: pl.DataFrame
    items: pl.DataFrame
    repeated: dict[str, int]
    missing: dict[str, int]
    left_out: NDArray[np.bool_]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the events' columns."""
        return tuple(parquet.schema(self.parts[0]))

    def scan(self) -> pl.LazyFrame:
        """All events, on disk."""
        return parquet.scan(self.parts)

    def pick(self, places: NDArray[np.int64], columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Some events, in as many frames as there are parts.

        Args:
            places: [M] places among the N events, growing.
            columns: which of their columns.
        """
        start = 0
        for part in self.parts:
            frame = parquet.read(part, columns=["row_id", *columns])
            low, high = np.searchsorted(places, [start, start + frame.height])
            yield frame.select(columns)[places[low:high] - start]
            start += frame.height

    def gather(self, places: NDArray[np.int64], columns: Sequence[str]) -> pl.DataFrame:
        """As :meth:`pick`, in one frame."""
        return pl.concat(self.pick(places, columns))


def store(
    source: Source,
    folder: Path,
    rejects: Rejects,
    faults: list[str] | None = None,
) -> StoredLog:
    """Read a source once and write it into ``folder``, which is empty.

    Args:
        source: the log.
        folder: where the Parquet files go; whoever made it deletes it.
        rejects: takes the rows that cannot be used.
        faults: takes what is wrong with the tables, in sentences; None refuses it.

    Raises:
        InputError: as :meth:`userip_lightning.data.sources.source.Source.blocks`; the source has no events;
            a table lacks an id or has different rows for one.
    """
    events = _EventParts(source.origin, folder)
    items, users = SideTable("item", folder, source), SideTable("user", folder, source)
    with piece(f"reading {Path(source.origin).name}", "events") as reading:
        for block in source.blocks(rejects):
            if block.events is not None:
                events.add(block.events)
            if block.items is not None:
                items.add(block.items)
            if block.users is not None:
                users.add(block.users)
            reading.at(events.rows)
    if not events.rows:
        why = (
            f"; {rejects.count:,} rows cannot be used, the first is {rejects.first}" if rejects.count else ""
        )
        why += "".join(f"; {count:,} {what}" for what, count in rejects.skipped.items())
        raise InputError(
            f"{source.origin}: no interactions were found{why}; give a log with one row per event."
        )
    return events.finish(items, users, rejects, faults)


class _EventParts:
    """The events on their way to disk, and their codes."""

    def __init__(self, origin: str, folder: Path) -> None:
        self.rows = 0
        self._origin, self._folder = origin, folder
        self._parts: list[Path] = []
        self._waiting: list[pl.DataFrame] = []
        self._row_ids: list[NDArray[np.int64]] = []
        self._users, self._items = IdCodes(), IdCodes()
        self._schema: pl.Schema | None = None
        self._last = -1

    def add(self, frame: pl.DataFrame) -> None:
        self._require_contract(frame)
        if frame.is_empty():
            return
        self._row_ids.append(frame["row_id"].to_numpy())
        self._last = int(frame["row_id"][-1])
        self._users.add(frame["user_id"])
        self._items.add(frame["item_id"])
        self.rows += frame.height
        self._waiting.append(frame)
        if sum(part.estimated_size() for part in self._waiting) > _PART_BYTES:
            self._flush()

    def finish(
        self, items: SideTable, users: SideTable, rejects: Rejects, faults: list[str] | None
    ) -> StoredLog:
        self._flush()
        user, user_ids = self._users.finish()
        item, item_ids = self._items.finish()
        tables = {"items": (items, item, item_ids), "users": (users, user, user_ids)}
        rows = {name: table.finish(ids, rejects, faults) for name, (table, _, ids) in tables.items()}
        left_out = np.zeros(item.size, dtype=np.bool_)
        for table, codes, _ in tables.values():
            if table.drops:
                left_out |= np.isin(codes, table.missing)
        return StoredLog(
            self._origin,
            tuple(self._parts),
            np.concatenate(self._row_ids),
            user,
            item,
            rows["users"],
            rows["items"],
            {name: table.repeated for name, (table, _, _) in tables.items()},
            {name: int(table.missing.size) for name, (table, _, _) in tables.items()},
            left_out,
        )

    def _flush(self) -> None:
        if self._waiting:
            self._parts.append(self._folder / f"events-{len(self._parts):05d}.parquet")
            # It is read once or twice and then deleted: quick to pack matters more than small.
            pl.concat(self._waiting).write_parquet(self._parts[-1], compression="lz4", statistics=False)
            self._waiting = []

    def _require_contract(self, frame: pl.DataFrame) -> None:
        """A reader that breaks its promise is found out here, not three stages later."""
        self._schema = self._schema or frame.schema
        ours = dict(list(frame.schema.items())[: len(EVENT_COLUMNS)])
        if ours != EVENT_COLUMNS or frame.schema != self._schema:
            raise InputError(
                f"{self._origin}: the reader gave events with columns {dict(frame.schema)}, expected "
                f"{dict(self._schema) if ours == EVENT_COLUMNS else EVENT_COLUMNS}; mend the reader."
            )
        ids = frame.select(pl.col("row_id").diff().fill_null(1).min(), pl.col("row_id").min().alias("first"))
        step, first = ids.row(0)
        nulls = frame.select("row_id", "user_id", "item_id").null_count().sum_horizontal()[0]
        if nulls or (first is not None and (step < 1 or first <= self._last)):
            raise InputError(
                f"{self._origin}: the reader gave row ids that do not grow, or empty ids, after row "
                f"{self._last + 1}; mend the reader."
            )
