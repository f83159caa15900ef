"""What is wrong with a log, all of it at once rather than one sentence per run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import polars as pl

from userip_lightning.atomic import scratch
from userip_lightning.data.duplicates import find_duplicates
from userip_lightning.data.parsing.rejects import REJECTED, Rejects
from userip_lightning.data.preparation import Preparation
from userip_lightning.data.statistics import alike
from userip_lightning.data.stored_log import StoredLog, store
from userip_lightning.errors import InputError
from userip_lightning.plural import plural


class Validation(NamedTuple):
    """What :func:`validate` found.

    Args:
        bad_rows: rows that cannot be used and count towards the limit.
        duplicates: events that repeat another one.
        faults: what is wrong with the tables as a whole, and what keeps the rows that can be used from
            being prepared.
        lines: the findings in words.
    """

    bad_rows: int
    duplicates: int
    faults: int
    lines: list[str]


def validate(preparation: Preparation, work: Path) -> Validation:
    """Read a source to its last row, prepare it in memory, and say what was found.

    Labels, split and filter are tried on the rows that can be used, without duplicates, so that their faults
    are told along with those of the rows.

    Args:
        preparation: the log, and what would become of it.
        work: an existing folder with space for the log; nothing stays there.

    Raises:
        InputError: a file is missing or damaged as a whole.
    """
    with scratch(work / "validate") as folder:
        with Rejects(sys.maxsize, folder / REJECTED) as rejects:
            faults: list[str] = []
            log = store(preparation.source, folder, rejects, faults)
        unfit, kept = _tried(preparation, log)
        again, first = find_duplicates(log)
        lines = [
            f"{plural(log.row_id.size, 'event')} of {plural(log.users.height, 'user')} with "
            f"{plural(log.items.height, 'item')}",
            *_bad_rows(rejects),
            *faults,
            *(f"{count:,} {what}" for what, count in rejects.skipped.items()),
            f"{again.size:,} events repeat an earlier one"
            + (
                f": row {log.row_id[again[0]] + 1} is the first and repeats row {log.row_id[first[0]] + 1}"
                if again.size
                else ""
            ),
            *_alike(log),
            *_gaps(log),
            *unfit,
            *kept,
        ]
        bad = rejects.count - rejects.passed_over
        return Validation(bad, int(again.size), len(faults) + len(unfit), lines)


def _tried(preparation: Preparation, log: StoredLog) -> tuple[list[str], list[str]]:
    """Why the log cannot be prepared, or what would be kept of it."""
    try:
        events, users, items = preparation.try_on(log)
    except InputError as error:
        return [str(error)], []
    return [], [
        f"{plural(events, 'event')} of {plural(users, 'user')} with {plural(items, 'item')} would be kept"
    ]


def _bad_rows(rejects: Rejects) -> list[str]:
    return [
        f"{plural(rejects.count, 'row')} cannot be used",
        *(f"  {line}" for line in rejects.kinds.lines()),
    ]


def _alike(log: StoredLog) -> list[str]:
    lines = []
    for name, ids in (("user", log.users["user_id"]), ("item", log.items["item_id"])):
        found = alike(ids)
        if found["count"]:
            pairs = "; ".join(" and ".join(map(repr, pair)) for pair in found["examples"])
            lines.append(
                f"{found['count']:,} {name} ids differ from another only in case, width or blanks: {pairs}"
            )
    return lines


def _gaps(log: StoredLog) -> list[str]:
    empty = (
        log.scan().select(pl.col("rating", "timestamp", "review").null_count()).collect(engine="streaming")
    )
    lines = [f"{count:,} events have no {name}" for name, count in empty.row(0, named=True).items()]
    lines += [f"{count:,} {name} have no row in their table" for name, count in log.missing.items() if count]
    untitled = log.items.select(pl.col("title").str.strip_chars() == "").to_series().fill_null(True).sum()
    repeated = [
        f"{count:,} further rows of one id in the {name}" for name, count in log.repeated.items() if count
    ]
    return [*lines, f"{untitled:,} items have no title", *repeated]
