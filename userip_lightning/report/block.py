"""One block of a study, judged: every method that was measured on the same rows, and why the rest was not.

p-values of the t test over seeds carry Holm's correction
over one family: the rows of one group (networks, UserIP rows, controls ...) of one block.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from userip_lightning.report import metrics
from userip_lightning.report.block_runs import read_block
from userip_lightning.report.codes import CodesVerdict, UsersByClass, contrast, correct, judge_codes
from userip_lightning.report.entries import Entry
from userip_lightning.report.measured import Measured, deviation, measure
from userip_lightning.report.paper import paper_figure
from userip_lightning.report.predictions import Predictions
from userip_lightning.report.verdict import NOISE, beats

#: ``status`` of a row.
MEASURED, FAILED, NOT_RUN = "measured", "failed", "not run"
_TEXT = ("dataset", "split", "fields", "method", "group", "network", "against", "status", "reason", "mark")
#: Columns of :attr:`Block.table` in order; figures are null where there are none.
SCHEMA: dict[str, Any] = {
    **dict.fromkeys(_TEXT, pl.String),
    "seeds": pl.Int64,
    **dict.fromkeys(
        (
            *("auc", "auc_std", "auc_low", "auc_high", "logloss", "logloss_std", "logloss_low"),
            *("logloss_high", "normalised_entropy", "calibration_error", "base_rate_logloss"),
            *("delta_auc", "delta_auc_low", "delta_auc_high"),
            *("delta_logloss", "delta_logloss_low", "delta_logloss_high"),
            *("p_delong", "p_delong_users", "p_t", "auc_improvement", "logloss_improvement"),
            *("paper_auc", "paper_logloss", "auc_over_paper", "logloss_over_paper"),
            *("validation_auc", "seconds"),
        ),
        pl.Float64,
    ),
    "chosen": pl.String,
    "sizes": pl.String,
}

_Row = dict[str, Any]


class Block(NamedTuple):
    """What was found on one dataset, split and choice of fields.

    ``table`` has one row per entry with the columns of :data:`SCHEMA`: ``mark`` is ``better``, ``worse`` or
    ``same`` in AUC than ``against`` (verdict.py says when); ``_low`` and ``_high`` bound a 95 % interval over
    users and seeds; improvements are Eq. 10 and 11 over ``against``;
    ``_over_paper`` is ours minus the paper's figure; ``chosen`` and ``sizes`` are JSON.
    """

    dataset: str
    split: str
    fields: str
    rows: int  #                       judged; 0 where nothing was measured
    users: int
    seeds: int
    base_rate_logloss: float | None
    table: pl.DataFrame
    verdicts: tuple[CodesVerdict, ...]

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.dataset} / {self.split} / {self.fields}"


def judge_block(entries: Sequence[Entry], root: Path, judged: str, replicates: int, seed: int) -> Block:
    """Judge the entries of one block.

    Args:
        entries: of one dataset, split and choice of fields.
        root: what their runs are relative to.
        judged: the split of the predictions to judge on, usually ``test``.
        replicates: of the bootstrap.
        seed: of the bootstrap.
    """
    read = read_block(entries, root, judged)
    measured = {name: measure(found, replicates, seed) for name, found in read.predictions.items()}
    some = next(iter(read.predictions.values()), None)
    users = _users_by_class(some) if some is not None else (np.empty(0, np.intp), np.empty(0, np.intp))
    base_rate = metrics.base_rate_logloss(some.label) if some is not None else None
    rows = [
        _row(entry, read.failures.get(entry.method), measured, users) | {"base_rate_logloss": base_rate}
        for entry in entries
    ]
    for group in {entry.group for entry in entries}:
        correct([row for row in rows if row["group"] == group])
    return Block(
        *entries[0].block,
        rows=some.label.size if some is not None else 0,
        users=np.unique(some.users).size if some is not None else 0,
        seeds=some.scores.shape[0] if some is not None else 0,
        base_rate_logloss=base_rate,
        table=pl.DataFrame([{**dict.fromkeys(SCHEMA), **row} for row in rows], schema=SCHEMA),
        verdicts=judge_codes(entries, measured, users),
    )


def _users_by_class(predictions: Predictions) -> UsersByClass:
    user = np.unique(predictions.users, return_inverse=True)[1].reshape(-1)
    return user[predictions.label == 1], user[predictions.label == 0]


def _row(
    entry: Entry, failure: str | None, measured: Mapping[str, Measured], users: UsersByClass
) -> dict[str, Any]:
    reason = entry.not_run or entry.failed or failure
    status = MEASURED if reason is None else NOT_RUN if entry.not_run else FAILED
    row: _Row = {name: value for name, value in entry._asdict().items() if name in SCHEMA}
    row |= {"status": status, "reason": reason, "p_t": None, **_paper(entry)}
    row |= {"chosen": _json(entry.chosen), "sizes": _json(entry.sizes)}
    if status == MEASURED:
        row |= _figures(measured[entry.method])
        if entry.against is not None and entry.against in measured:
            row |= _against(measured[entry.method], measured[entry.against], users)
        if row["paper_auc"] is not None:
            row["auc_over_paper"] = row["auc"] - row["paper_auc"]
            row["logloss_over_paper"] = row["logloss"] - row["paper_logloss"]
    return {name: None if value != value else value for name, value in row.items()}  # NaN is no JSON


def _figures(ours: Measured) -> _Row:
    bounds = {
        f"{metric}{suffix}": float(np.nanpercentile(getattr(ours.replicates, metric), percent))
        for metric in ("auc", "logloss")
        for suffix, percent in (("_low", 2.5), ("_high", 97.5))
    }
    return {
        "seeds": ours.auc.size,
        "auc": float(ours.auc.mean()),
        "auc_std": deviation(ours.auc),
        "logloss": float(ours.logloss.mean()),
        "logloss_std": deviation(ours.logloss),
        "normalised_entropy": ours.normalised_entropy,
        "calibration_error": ours.calibration_error,
        **bounds,
    }


def _against(ours: Measured, other: Measured, users: UsersByClass) -> _Row:
    found: _Row = dict(contrast(ours, other, users))
    worse = found["delta_auc"] <= -NOISE and found["delta_auc_high"] < 0
    return {
        **found,
        "mark": "better" if beats(found) else "worse" if worse else "same",
        "auc_improvement": metrics.auc_improvement(float(ours.auc.mean()), float(other.auc.mean())),
        "logloss_improvement": metrics.logloss_improvement(
            float(ours.logloss.mean()), float(other.logloss.mean())
        ),
    }


def _paper(entry: Entry) -> _Row:
    figure = paper_figure(*entry.block, entry.method)
    return {"paper_auc": figure.auc, "paper_logloss": figure.logloss} if figure else {"paper_auc": None}


def _json(values: Mapping[str, float]) -> str | None:
    """As text: the keys differ from row to row."""
    return json.dumps(dict(values)) if values else None
