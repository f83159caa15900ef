"""From a reader's raw columns to events: the checks that every format shares."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from userip_lightning.data.parsing.columns import (
    ROW,
    SECONDS,
    id_faults,
    id_value,
    nul_fault,
    number,
    number_fault,
    range_fault,
    sift,
)
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.data.parsing.times import TimeRule, read_times
from userip_lightning.schema import EVENT_COLUMNS

_IDS = ("user_id", "item_id")
# Ratings are kept as Float32, in which anything larger is infinite.
_LARGEST = 3.4e38


def shape_events(
    raw: pl.DataFrame,
    path: Path | str,
    rejects: Rejects,
    rating_range: tuple[float, float] | None = None,
    before: int = 0,
    text: Callable[[int], str] | None = None,
    times: TimeRule = TimeRule(),  # noqa: B008, frozen
) -> pl.DataFrame:
    """Check a block's rows and give them the columns of :data:`userip_lightning.schema.EVENT_COLUMNS`.

    A row is rejected for an id that is empty or none (:mod:`userip_lightning.ids`), a rating that is no
    finite number or out of range, a timestamp that is no time between 1970 and 2100
    (:mod:`userip_lightning.data.parsing.times`), and for a NUL character; an empty rating, timestamp or
    review is null.

    Args:
        raw: ``ROW`` (place in the file, from 0), ``user_id``, ``item_id`` and perhaps ``rating``,
            ``timestamp``, ``review``, as strings or numbers, timestamps also as dates. Further columns are
            kept as they are.
        path: the file, for messages.
        rejects: takes the bad rows.
        rating_range: lowest and highest rating; None accepts any number.
        before: events of the source before this file's first row.
        text: the raw text of a row by its place in ``raw``, for the list of rejected rows.
        times: how timestamps are written.

    Raises:
        InputError: more bad rows than allowed; a column of ids holds neither strings nor numbers.
    """
    extra = [name for name in raw.columns if name not in (*EVENT_COLUMNS, ROW)]
    faults = [fault for name in _IDS for fault in id_faults(raw, name, path)]
    if "rating" in raw.columns:
        faults.append(number_fault(raw, "rating"))
        faults.append(range_fault(raw, "rating", *(rating_range or (-_LARGEST, _LARGEST))))
    if "timestamp" in raw.columns:
        seconds, wrong = read_times(raw["timestamp"], times)
        raw = raw.with_columns(seconds.alias(SECONDS))
        faults.append(pl.lit(wrong))
    faults += [nul_fault(name) for name, dtype in raw.schema.items() if dtype == pl.String]
    good = sift(raw, faults, path, rejects, text)
    columns: list[pl.Expr] = [(pl.col(ROW).cast(pl.Int64) + before).alias("row_id")]
    for name, dtype in list(EVENT_COLUMNS.items())[1:]:
        if name not in raw.columns:
            columns.append(pl.lit(None, dtype=dtype).alias(name))
        elif name in _IDS:
            columns.append(id_value(good, name, path))
        elif name == "timestamp":
            columns.append(pl.col(SECONDS).alias(name))
        elif dtype == pl.String:
            value = pl.col(name).cast(pl.String)
            columns.append(pl.when(value != "").then(value).alias(name))
        else:
            columns.append(number(raw, name).cast(dtype))
    return good.select(*columns, *extra)
