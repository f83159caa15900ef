"""What is wrong with a log, all of it at once rather than one sentence per run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import polars as pl

from userip_lightning.atomic import scratch
from userip_lightning.data.duplicates import find_duplicates
from userip_lightning.data.parsing.rejects import REJECTED, Rejects
from userip_lightning.data.sources.source import Source
from userip_lightning.data.statistics import alike
from userip_lightning.data.stored_log import StoredLog, store


class Validation(NamedTuple):
    """What :func:`validate` found.

    Args:
        bad_rows: rows that cannot be used and count towards the limit.
        duplicates: events that repeat another one.
        faults: what is wrong with the tables as a whole.
        lines: the findings in words.
    """

    bad_rows: int
    duplicates: int
    faults: int
    lines: list[str]


def validate(source: Source, work: Path) -> Validation:
    """Read a source to its last row and say what was found.

    Args:
        source: the log.
        work: an existing folder with space for the log; nothing stays there.

    Raises:
        InputError: a file is missing or damaged as a whole.
    """
    with scratch(work / "validate") as folder:
        with Rejects(sys.maxsize, folder / REJECTED) as rejects:
            faults: list[str] = []
            log = store(source, folder, rejects, faults)
        again, first = find_duplicates(log)
        lines = [
            f"{log.row_id.size:,} events of {log.users.height:,} users with {log.items.height:,} items",
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
        ]
        return Validation(rejects.count - rejects.passed_over, int(again.size), len(faults), lines)


def _bad_rows(rejects: Rejects) -> list[str]:
    return [f"{rejects.count:,} rows cannot be used", *(f"  {line}" for line in rejects.kinds.lines())]


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
