"""The runs of one block's entries, read one by one.

A method that cannot be read, or that was judged on other rows than most of its block, fails with the reason
and takes nothing else with it. An entry that is declared a part may have fewer rows and seeds; which rows
and seeds the block has is decided without it, unless there are parts alone.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from userip_lightning import leak_audit
from userip_lightning.errors import InputError
from userip_lightning.report.entries import Entry
from userip_lightning.report.partial_methods import Judged, expect_part, union
from userip_lightning.report.predictions import Rows, Run, expect_same_rows, read_run

_Runs = Mapping[str, Sequence[Run]]


class BlockRuns(NamedTuple):
    """What a block's runs hold."""

    judged: dict[str, Judged]  # method to its scores; all but parts have the same rows and seeds
    failures: dict[str, str]  #  method to one sentence
    rows: Rows | None  #         those of all methods but parts, or of all parts together; None without any
    seeds: int  #                of all methods but parts, or the most of a part


class _Extent(NamedTuple):
    """What an entry is held to."""

    rows: Rows
    seeds: int


def blocks_of(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Entries that are judged together, in the order of their first appearance."""
    for block in dict.fromkeys(entry.block for entry in entries):
        yield [entry for entry in entries if entry.block == block]


def read_block(entries: Sequence[Entry], root: Path, judged: str) -> BlockRuns:
    """Read the runs of one block.

    Args:
        entries: of one block; those that failed or were not run are passed over.
        root: what their runs are relative to.
        judged: the split of the predictions to keep.
    """
    runs: dict[str, list[Run]] = {}
    failures: dict[str, str] = {}
    for entry in entries:
        if not (entry.failed or entry.not_run):
            try:
                runs[entry.method] = [read_run(root / folder, judged) for folder in entry.runs]
            except InputError as error:
                failures[entry.method] = _relative(root, error)
    if not runs:
        return BlockRuns({}, failures, None, 0)
    extent = _extent(entries, runs)
    found: dict[str, Judged] = {}
    for entry in entries:
        if entry.method in runs:
            together = _part if entry.part else _whole
            try:
                found[entry.method] = together(entry, runs[entry.method], extent, root, judged)
            except InputError as error:
                failures[entry.method] = _relative(root, error)
    return BlockRuns(found, failures, *_covered(entries, found))


def _extent(entries: Sequence[Entry], runs: _Runs) -> _Extent:
    """The rows that most runs were judged on, so that one stray method fails and not the others."""
    whole = [runs[entry.method] for entry in entries if entry.method in runs and not entry.part]
    deciding = whole or list(runs.values())
    usual = _most_common([run.rows for found in deciding for run in found])
    if not whole:
        parts = (run.rows for found in deciding for run in found)
        usual = union([rows for rows in parts if rows.data_hash == usual.data_hash])
    return _Extent(usual, max(len(found) for found in deciding))


def _covered(entries: Sequence[Entry], found: Mapping[str, Judged]) -> tuple[Rows | None, int]:
    """Rows and seeds of the methods that are no parts; where there is none, all rows and the most seeds."""
    if not found:
        return None, 0
    whole = [found[entry.method] for entry in entries if entry.method in found and not entry.part]
    rows = whole[0].rows if whole else union([part.rows for part in found.values()])
    return rows, max(method.scores.shape[0] for method in whole or found.values())


def _whole(entry: Entry, runs: Sequence[Run], extent: _Extent, root: Path, judged: str) -> Judged:
    if len(runs) != extent.seeds:
        raise InputError(
            f"{entry.method}: {len(runs)} of {extent.seeds} seeds are there; finish the study, seeds are "
            "paired."
        )
    for folder, run in zip(entry.runs, runs, strict=True):
        expect_same_rows(root / folder, run.rows, extent.rows, judged)
    return _judged(extent.rows, runs)


def _part(entry: Entry, runs: Sequence[Run], extent: _Extent, root: Path, judged: str) -> Judged:
    """Its seeds must have been judged on the same rows: their mean would mean nothing otherwise."""
    if len(runs) > extent.seeds:
        raise InputError(
            f"{entry.method}: {len(runs)} seeds are there, but the other methods have {extent.seeds}; "
            "finish the study, seeds are paired."
        )
    for folder, run in zip(entry.runs, runs, strict=True):
        expect_same_rows(root / folder, run.rows, runs[0].rows, judged)
        expect_part(root / folder, run.rows, extent.rows, judged)
    return _judged(runs[0].rows, runs)


def _judged(rows: Rows, runs: Sequence[Run]) -> Judged:
    return Judged(rows, np.stack([run.score for run in runs]), tuple(run.validation for run in runs))


def _most_common(rows: Sequence[Rows]) -> Rows:
    keyed = [((some.data_hash, leak_audit.rows_hash(some.row_id)), some) for some in rows]
    count = Counter(key for key, _ in keyed)
    return max(keyed, key=lambda pair: count[pair[0]])[1]


def _relative(root: Path, error: InputError) -> str:
    """The message with paths relative to the root: a report is read on other machines."""
    return str(error).replace(f"{root}{os.sep}", "")
