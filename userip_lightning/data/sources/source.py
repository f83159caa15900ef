"""What every reader offers: blocks of rows, and the identity of what it would read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, NamedTuple

import polars as pl

from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.data.stored_log import store
from userip_lightning.schema import Interactions

#: Refuse a log with items that its item table lacks, keep their events with a row of nulls, or drop them.
MissingRows = Literal["refuse", "no_text", "drop"]


class Block(NamedTuple):
    """Some rows of a log, as many as fit into memory with ease; any of the three may be missing.

    Args:
        events: columns as in :data:`userip_lightning.schema.EVENT_COLUMNS` and then any further ones, the
            same in every block (:func:`userip_lightning.data.events.shape_events` makes such a frame).
            ``row_id`` grows from row to row and from block to block: it is the place of the event in the
            source, counted from 0, rejected rows included.
        items: ``item_id``, ``title`` and further String columns, the same in every block. Rows may repeat.
        users: ``user_id`` and further String columns, likewise.
    """

    events: pl.DataFrame | None = None
    items: pl.DataFrame | None = None
    users: pl.DataFrame | None = None


class Source(ABC):
    """A log that can be read. Chosen in YAML by ``class_path``; its settings are ``init_args``.

    A reader yields blocks and keeps none of them, so the size of a log is no matter to it.
    """

    #: Whether the item and user tables name everything that occurs in the events. Where they need not, or
    #: where no block has such a table, what they lack gets a row of nulls.
    complete_tables: bool = True
    #: Settings of the reader that say what becomes of what a table lacks, by the table's name.
    missing_settings: Mapping[Literal["item", "user"], str] = {}
    #: Whether the first of several different rows of one id is kept (the others are counted), not refused.
    first_row_wins: bool = False

    #: Where it is; a reader without a path says what its origin is.
    path: Path

    @property
    def origin(self) -> str:
        """Where the log comes from, for messages: usually the path."""
        return str(self.path)

    def table_origin(self, name: Literal["item", "user"]) -> str:
        """Where a table comes from, for messages: its file where it has one of its own."""
        return self.origin

    def missing_rows(self, name: Literal["item", "user"]) -> MissingRows:
        """What becomes of events whose item or user has no row in its table."""
        return "refuse" if self.complete_tables else "no_text"

    @abstractmethod
    def identity(self) -> dict[str, object]:
        """Whatever decides what is read: settings and file contents, never paths.

        Raises:
            InputError: a file is missing.
        """

    @abstractmethod
    def blocks(self, rejects: Rejects) -> Iterator[Block]:
        """Read everything once, block by block.

        Args:
            rejects: takes every row that cannot be used.

        Raises:
            InputError: a file is missing or damaged, or holds something else than expected.
        """

    def read(self, max_bad_rows: int = 0) -> Interactions:
        """The whole log in memory, for small ones; preparation never does this.

        Raises:
            InputError: as :meth:`blocks`; more than ``max_bad_rows`` rows cannot be used; the tables break
                the contract of :class:`userip_lightning.schema.Interactions`.
        """
        with TemporaryDirectory() as folder, Rejects(max_bad_rows) as rejects:
            log = store(self, Path(folder), rejects)
            events = log.scan().collect().filter(~log.left_out)
            return Interactions(events, log.items, log.users, self.origin).validate()
