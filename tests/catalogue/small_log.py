"""Logs of a few users, written out by hand, as prepared data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from userip_lightning.artifact import stable_hash
from userip_lightning.data.column_split import ColumnSplit
from userip_lightning.data.labels import GivenLabel, Implicit
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.data.preparation import Preparation
from userip_lightning.data.sources.source import Block, Source
from userip_lightning.schema import EVENT_COLUMNS


class Event(NamedTuple):
    user: str
    item: str
    split: str = "train"
    label: int = 1


@dataclass(frozen=True)
class Written(Source):
    """A log as it is written down."""

    events: Sequence[Event]
    titles: Mapping[str, str | None]

    @property
    def origin(self) -> str:
        return "written"

    def identity(self) -> dict[str, Any]:
        return {"log": stable_hash([self.events, self.titles])}

    def blocks(self, rejects: Rejects) -> Iterator[Block]:
        yield Block(items=pl.DataFrame({"item_id": list(self.titles), "title": list(self.titles.values())}))
        columns = {
            "row_id": range(len(self.events)),
            "user_id": [event.user for event in self.events],
            "item_id": [event.item for event in self.events],
        }
        frame = pl.DataFrame(columns).with_columns(
            pl.lit(None, dtype=dtype).alias(name)
            for name, dtype in EVENT_COLUMNS.items()
            if name not in columns
        )
        yield Block(
            frame.select(pl.col(name).cast(dtype) for name, dtype in EVENT_COLUMNS.items()).with_columns(
                given_split=pl.Series([event.split for event in self.events], dtype=pl.String),
                label=pl.Series([event.label for event in self.events], dtype=pl.Int64),
            )
        )


def prepared(
    folder: Path, events: Sequence[Event], titles: Mapping[str, str | None], explicit: bool = False
) -> Path:
    """The folder of a log's prepared data; every logged event of an implicit one is positive."""
    labels = GivenLabel() if explicit else Implicit(popularity="uniform")
    made = Preparation(Written(events, titles), k_core=1, labels=labels, split=ColumnSplit())
    return made.run(folder, lambda _: None)
