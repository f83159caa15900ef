"""One block of a study, judged: every method that was measured on the same rows, and why the rest was not.

A method that is declared a part is measured on its own rows and seeds, its counterpart restricted to them.
p-values of the t test over seeds carry Holm's correction over one family: the rows of one group (networks,
UserIP rows, controls ...) of one block.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from userip_lightning.report.block_runs import read_block
from userip_lightning.report.codes import CodesVerdict, correct, judge_codes
from userip_lightning.report.entries import Entry
from userip_lightning.report.measurements import Measurements
from userip_lightning.report.over_best import OverBest, over_best
from userip_lightning.report.row import SCHEMA, judge_row
from userip_lightning.report.statistics import metrics
from userip_lightning.schema import TEST


class Block(NamedTuple):
    """What was found on one dataset, split and choice of fields.

    ``table`` has one row per entry with the columns of :data:`SCHEMA`: ``mark`` is ``better``, ``worse`` or
    ``same`` in AUC than ``against`` (verdict.py says when), ``open`` if better with too few seeds; ``_low``
    and ``_high`` bound a 95 % interval over users and seeds; improvements are Eq. 10 and 11 over ``against``,
    whose own figures on the row's rows and seeds are ``against_auc`` and ``against_logloss``; ``_over_paper``
    is ours minus the paper's figure; ``chosen`` and ``sizes`` are JSON. ``rows`` and ``seeds`` are those of
    the row itself, smaller than the block's for a ``part``.
    """

    dataset: str
    split: str
    fields: str
    rows: int  #                       judged; 0 where nothing was measured, those of all parts if alone
    users: int
    seeds: int
    base_rate_logloss: float | None
    table: pl.DataFrame
    verdicts: tuple[CodesVerdict, ...]
    over_best: OverBest | None

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.dataset} / {self.split} / {self.fields}"


def judge_block(entries: Sequence[Entry], root: Path, replicates: int) -> Block:
    """Judge the entries of one block on the test rows of their runs.

    Args:
        entries: of one dataset, split and choice of fields.
        root: what their runs are relative to.
        replicates: of the bootstrap.
    """
    read = read_block(entries, root, TEST)
    measured = Measurements(read.judged, replicates)
    base_rate = metrics.base_rate_logloss(read.rows.label) if read.rows is not None else None
    rows = [
        {"base_rate_logloss": base_rate, **judge_row(entry, read.failures.get(entry.method), measured)}
        for entry in entries
    ]
    for group in {entry.group for entry in entries}:
        correct([row for row in rows if row["group"] == group])
    return Block(
        *entries[0].block,
        rows=read.rows.label.size if read.rows is not None else 0,
        users=np.unique(read.rows.users).size if read.rows is not None else 0,
        seeds=read.seeds,
        base_rate_logloss=base_rate,
        table=pl.DataFrame([{**dict.fromkeys(SCHEMA), **row} for row in rows], schema=SCHEMA),
        verdicts=judge_codes(entries, measured),
        over_best=over_best(entries, measured),
    )
