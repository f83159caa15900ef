"""The runs of one block's entries, read one by one.

A method that cannot be read, or that was judged on other rows than most of its block, fails with the reason
and takes nothing else with it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from userip_lightning import artifact
from userip_lightning.errors import InputError
from userip_lightning.report.entries import Entry
from userip_lightning.report.predictions import Predictions, Run, expect_same_rows, read_run


class BlockRuns(NamedTuple):
    """What a block's runs hold."""

    predictions: dict[str, Predictions]  # method to its scores, all on the same rows with as many seeds
    failures: dict[str, str]  #             method to one sentence


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
        return BlockRuns({}, failures)
    usual = _most_common(runs)
    predictions = {}
    for entry in entries:
        if entry.method in runs:
            try:
                predictions[entry.method] = _together(entry, runs, usual, root, judged)
            except InputError as error:
                failures[entry.method] = _relative(root, error)
    return BlockRuns(predictions, failures)


def _together(
    entry: Entry, runs: Mapping[str, Sequence[Run]], usual: Run, root: Path, judged: str
) -> Predictions:
    ours = runs[entry.method]
    seeds = max(len(found) for found in runs.values())
    if len(ours) != seeds:
        raise InputError(
            f"{entry.method}: {len(ours)} of {seeds} seeds are there; finish the study, seeds are paired."
        )
    for folder, run in zip(entry.runs, ours, strict=True):
        expect_same_rows(root / folder, run, usual, judged)
    return Predictions(usual.users, usual.label, np.stack([run.score for run in ours]))


def _most_common(runs: Mapping[str, Sequence[Run]]) -> Run:
    """A run on the rows that most runs were judged on, so that one stray method fails and not the others."""
    keyed = [
        ((run.data_hash, artifact.rows_hash(run.row_id)), run) for found in runs.values() for run in found
    ]
    count = Counter(key for key, _ in keyed)
    return max(keyed, key=lambda pair: count[pair[0]])[1]


def _relative(root: Path, error: InputError) -> str:
    """The message with paths relative to the root: a report is read on other machines."""
    return str(error).replace(f"{root}{os.sep}", "")
