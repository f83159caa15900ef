"""One row of a block's table: an entry with its figures, or with the reason why it has none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from userip_lightning.report.codes import contrast
from userip_lightning.report.entries import Entry
from userip_lightning.report.measurements import Measurements, UsersByClass
from userip_lightning.report.method_figures import Measured, mean_columns
from userip_lightning.report.paper import paper_figure
from userip_lightning.report.statistics import metrics
from userip_lightning.report.verdict import MIN_SEEDS, NOISE, beats

#: ``status`` of a row.
MEASURED, FAILED, NOT_RUN = "measured", "failed", "not run"
#: Follows the label of a row that was judged on a part.
PART = "†"
_TEXT = (
    *("dataset", "split", "fields", "method", "group", "network", "against", "status", "reason", "mark"),
    "note",
)
#: Columns of a block's table in order; figures are null where there are none.
SCHEMA: dict[str, Any] = {
    **dict.fromkeys(_TEXT, pl.String),
    "part": pl.Boolean,
    "rows": pl.Int64,
    "seeds": pl.Int64,
    **dict.fromkeys(
        (
            *("auc", "auc_std", "auc_low", "auc_high", "logloss", "logloss_std", "logloss_low"),
            *("logloss_high", "calibrated_logloss", "calibrated_logloss_std"),
            *("normalised_entropy", "calibration_error", "base_rate_logloss"),
            *("delta_auc", "delta_auc_low", "delta_auc_high"),
            *("delta_logloss", "delta_logloss_low", "delta_logloss_high"),
            *(f"delta_calibrated_logloss{end}" for end in ("", "_low", "_high")),
            *("against_auc", "against_logloss"),
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


def row_label(row: Mapping[str, Any]) -> str:
    """The method as it is shown, with the mark of a part where its figures are those of one."""
    return f"{row['method']} {PART}" if row["part"] and row["status"] == MEASURED else str(row["method"])


def judge_row(entry: Entry, failure: str | None, measured: Measurements) -> dict[str, Any]:
    """The row, with the columns of :data:`SCHEMA` that have a value.

    Args:
        entry: what the row is about.
        failure: why its runs could not be judged, None where they could or there are none.
        measured: the figures of its block; a counterpart is taken on the rows and seeds of this row.
    """
    reason = entry.not_run or entry.failed or failure
    status = MEASURED if reason is None else NOT_RUN if entry.not_run else FAILED
    row: _Row = {name: value for name, value in entry._asdict().items() if name in SCHEMA}
    row |= {"status": status, "reason": reason, "p_t": None, **_paper(entry)}
    row |= {"chosen": _json(entry.chosen), "sizes": _json(entry.sizes)}
    if status == MEASURED:
        row |= _measured(entry, measured)
        if row["paper_auc"] is not None:
            row["auc_over_paper"] = row["auc"] - row["paper_auc"]
            row["logloss_over_paper"] = row["logloss"] - row["paper_logloss"]
    return {name: None if value != value else value for name, value in row.items()}  # NaN is no JSON


def _measured(entry: Entry, measured: Measurements) -> _Row:
    ours, label = measured.own(entry.method), measured.rows(entry.method).label
    row = {"rows": label.size, "base_rate_logloss": metrics.base_rate_logloss(label), **_figures(ours)}
    other = measured.beside(entry.method, entry.against) if entry.against is not None else None
    return row if other is None else row | _against(ours, other, measured.users(entry.method))


def _figures(ours: Measured) -> _Row:
    bounds = {
        f"{metric}{suffix}": float(
            np.clip(np.nanpercentile(getattr(ours.replicates, metric), percent), 0, most)
        )
        for metric, most in (("auc", 1.0), ("logloss", None))
        for suffix, percent in (("_low", 2.5), ("_high", 97.5))
    }
    return {
        "seeds": ours.auc.size,
        **mean_columns(ours),
        "normalised_entropy": ours.normalised_entropy,
        "calibration_error": ours.calibration_error,
        **bounds,
    }


def _against(ours: Measured, other: Measured, users: UsersByClass) -> _Row:
    found: _Row = dict(contrast(ours, other, users))
    worse = found["delta_auc"] <= -NOISE and found["delta_auc_high"] < 0
    enough = ours.auc.size >= MIN_SEEDS
    return {
        **found,
        "against_auc": float(other.auc.mean()),
        "against_logloss": float(other.logloss.mean()),
        "mark": "open" if not enough else "better" if beats(found) else "worse" if worse else "same",
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
