"""Codes over the best baseline of a block: the last line of the paper's Table 2 (Eq. 10, 11).

The baseline is the network without codes, reference or language-model baseline of the highest AUC on the
judged rows, which is in its favour; as in the paper it is the same for AUC and Logloss. Ours is the row with
codes that validation rows choose, so that judged rows choose nothing in our favour. Rows judged on a part are
left out, and so are controls.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from userip_lightning.report.entries import Entry
from userip_lightning.report.measurements import Measurements
from userip_lightning.report.method_figures import delta_columns
from userip_lightning.report.statistics import metrics
from userip_lightning.report.statistics.bootstrap import paired_difference

_BASELINES = ("reference", "network", "llm")


class OverBest(NamedTuple):
    """What codes gain over the best baseline.

    Args:
        method: the row with codes.
        baseline: the best row without.
        baselines: of how many.
        auc_improvement: Eq. 10, 0.1 means 10 %; None where the baseline is no better than a coin.
        logloss_improvement: Eq. 11.
        deltas: delta columns of method minus baseline.
    """

    method: str
    baseline: str
    baselines: int
    auc_improvement: float | None
    logloss_improvement: float
    deltas: dict[str, Any]


def over_best(entries: Sequence[Entry], measured: Measurements) -> OverBest | None:
    """Compare the entries of one block; None without codes or without a baseline that was measured."""
    whole = [entry for entry in entries if entry.method in measured and not entry.part]
    codes = [entry for entry in whole if entry.group == "userip"]
    baselines = [entry.method for entry in whole if entry.group in _BASELINES]
    if not codes or not baselines:
        return None
    method = max(codes, key=lambda entry: entry.validation_auc or 0.0).method
    baseline = max(baselines, key=lambda name: float(measured.own(name).auc.mean()))
    ours, other = measured.own(method), measured.own(baseline)
    auc = metrics.auc_improvement(float(ours.auc.mean()), float(other.auc.mean()))
    return OverBest(
        method,
        baseline,
        len(baselines),
        auc if auc == auc else None,
        metrics.logloss_improvement(float(ours.logloss.mean()), float(other.logloss.mean())),
        delta_columns(paired_difference(ours.replicates, other.replicates)),
    )
