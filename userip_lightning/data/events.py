"""From a reader's raw columns to events: the checks that every format shares."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from userip_lightning.data.columns import ROW, blank_fault, nul_fault, number, number_fault, range_fault, sift
from userip_lightning.data.rejects import Rejects
from userip_lightning.schema import EVENT_COLUMNS

#: Timestamps lie between 1970 and 2100; milliseconds do not, so they are found out.
LATEST = 4_102_444_800.0
# Ratings are kept as Float32, in which anything larger is infinite.
_LARGEST = 3.4e38


def shape_events(
    raw: pl.DataFrame,
    path: Path | str,
    rejects: Rejects,
    rating_range: tuple[float, float] | None = None,
    before: int = 0,
    text: Callable[[int], str] | None = None,
) -> pl.DataFrame:
    """Check a block's rows and give them the columns of :data:`userip_lightning.schema.EVENT_COLUMNS`.

    A row is rejected for an empty id, a rating or timestamp that is no finite number or lies out of range,
    and for a NUL character; an empty rating, timestamp or review is null.

    Args:
        raw: ``ROW`` (place in the file, from 0), ``user_id``, ``item_id`` and perhaps ``rating``,
            ``timestamp``, ``review``, as strings or numbers. Further columns are kept as they are.
        path: the file, for messages.
        rejects: takes the bad rows.
        rating_range: lowest and highest rating; None accepts any number.
        before: events of the source before this file's first row.
        text: the raw text of a row by its place in ``raw``, for the list of rejected rows.

    Raises:
        InputError: more bad rows than allowed.
    """
    extra = [name for name in raw.columns if name not in EVENT_COLUMNS and name != ROW]
    good = sift(raw, _faults(raw, rating_range), path, rejects, text)
    columns: list[pl.Expr] = [(pl.col(ROW).cast(pl.Int64) + before).alias("row_id")]
    for name, dtype in list(EVENT_COLUMNS.items())[1:]:
        if name not in raw.columns:
            columns.append(pl.lit(None, dtype=dtype).alias(name))
        elif dtype == pl.String:
            value = pl.col(name).cast(pl.String)
            columns.append(pl.when(value != "").then(value).alias(name))
        else:
            columns.append(number(raw, name).cast(dtype))
    return good.select(*columns, *extra)


def _faults(raw: pl.DataFrame, rating_range: tuple[float, float] | None) -> list[pl.Expr]:
    faults = [blank_fault("user_id"), blank_fault("item_id")]
    if "rating" in raw.columns:
        faults.append(number_fault(raw, "rating"))
        faults.append(range_fault(raw, "rating", *(rating_range or (-_LARGEST, _LARGEST))))
    if "timestamp" in raw.columns:
        faults += [number_fault(raw, "timestamp"), range_fault(raw, "timestamp", 0.0, LATEST)]
    return faults + [nul_fault(name) for name, dtype in raw.schema.items() if dtype == pl.String]
