"""``events.parquet`` of the prepared data, written in a stream: a log's text passes through, part by part."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars.io.plugins import register_io_source

from userip_lightning.data.stored_log import StoredLog
from userip_lightning.schema import EVENT_COLUMNS

#: Columns of the file.
COLUMNS: dict[str, pl.DataType] = {
    **EVENT_COLUMNS,
    "user": pl.Int32(),
    "item": pl.Int32(),
    "label": pl.Int8(),
    "split": pl.String(),
    "logged": pl.Boolean(),
}
_ROWS = 500_000


def write_events(
    path: Path,
    log: StoredLog,
    places: NDArray[np.int64],
    events: pl.DataFrame,
    users: pl.Series,
    items: pl.Series,
) -> None:
    """Write the prepared events in order of ``row_id``.

    Args:
        path: the file.
        log: where the text is.
        places: [M] places in the log of the logged events, growing.
        events: the columns of :data:`COLUMNS` that are no text; first the M logged events, then what labels
            added, all in order of ``row_id``.
        users: ``user_id`` of every ``user``.
        items: ``item_id`` of every ``item``.
    """

    def frames(*_: object) -> Iterator[pl.DataFrame]:
        start = 0
        for texts in log.pick(places, ["review"]):
            yield _filled(events.slice(start, texts.height), texts["review"], users, items)
            start += texts.height
        for start in range(places.size, events.height, _ROWS):
            part = events.slice(start, _ROWS)
            yield _filled(part, pl.repeat(None, part.height, dtype=pl.String, eager=True), users, items)

    register_io_source(frames, schema=COLUMNS).sink_parquet(path, engine="streaming")


def _filled(events: pl.DataFrame, review: pl.Series, users: pl.Series, items: pl.Series) -> pl.DataFrame:
    return events.with_columns(
        users.gather(events["user"]).alias("user_id"),
        items.gather(events["item"]).alias("item_id"),
        review.alias("review"),
        pl.col("split").cast(pl.String),
    ).select(list(COLUMNS))
