"""Do the codes help? Variants of one CTR model side by side, and the codes against every control.

Differences carry the interval of a user-clustered paired bootstrap (``statistics/bootstrap.py``) and, for the
codes, a paired t test over seeds with Holm's correction over the contrasts (``statistics/significance.py``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from userip_lightning.errors import InputError
from userip_lightning.report.method_figures import Measured, delta_columns, mean_columns, measure
from userip_lightning.report.predictions import read_predictions
from userip_lightning.report.statistics import metrics
from userip_lightning.report.statistics.bootstrap import paired_difference
from userip_lightning.report.statistics.significance import holm, paired_t
from userip_lightning.report.verdict import Judged, verdict

#: The variants that are no control: the reference of every relative figure, and what is to be judged.
NO_CODES, CODES = "none", "codes"


class Comparison(NamedTuple):
    """What was found on one split.

    ``variants`` has one row per variant: variant, seeds, auc, auc_std, logloss, logloss_std,
    calibrated_logloss, calibrated_logloss_std, normalised_entropy, calibration_error, and against no codes
    auc_improvement (Eq. 10), logloss_improvement (Eq. 11), and of delta_auc, delta_logloss and
    delta_calibrated_logloss the difference and its ends ``_low`` and ``_high``. Only calibrated_logloss is of
    calibrated scores (``statistics/calibration.py``). Deviations are over seeds, null for one seed; figures
    against no codes are null in its own row, auc_improvement also where no codes are no better than a coin.

    ``contrasts`` has one row per variant that the codes are held against: against, the nine delta columns
    and p_auc, the Holm-corrected p-value over seeds (null for one seed).
    """

    split: str
    rows: int
    users: int
    base_rate_logloss: float
    variants: pl.DataFrame
    contrasts: pl.DataFrame
    verdict: str


def compare(
    runs: Mapping[str, Sequence[Path]], split: str = "test", replicates: int = 2000, seed: int = 0
) -> Comparison:
    """Compare the runs of a CTR model.

    Args:
        runs: variant to its ctr artifacts, one per seed in the same order everywhere. ``none`` and
            ``codes`` are expected; every other variant is a control that the codes have to beat.
        split: rows on which to judge.
        replicates: of the bootstrap.
        seed: of the bootstrap.

    Raises:
        InputError: ``none`` or ``codes`` is missing, or the runs cannot be compared (see read_predictions).
    """
    for name in (NO_CODES, CODES):
        if name not in runs:
            raise InputError(f"the runs have no variant {name!r}; run the ctr stage for it first.")
    read = read_predictions(runs, split)
    measured = {variant: measure(predictions, replicates, seed) for variant, predictions in read.items()}
    label = read[NO_CODES].label
    contrasts = _contrasts(measured)
    base_rate, ours = metrics.base_rate_logloss(label), measured[CODES]
    users = int(np.unique(read[NO_CODES].users).size)
    controls = [name for name in measured if name not in (NO_CODES, CODES)]
    losses = float(ours.logloss.mean()), float(ours.calibrated_logloss.mean())
    judged = Judged(ours.auc.size, users, *losses, base_rate, controls)
    return Comparison(
        split=split,
        rows=label.size,
        users=users,
        base_rate_logloss=base_rate,
        variants=pl.DataFrame([_variant_row(name, measured) for name in measured], infer_schema_length=None),
        contrasts=contrasts,
        verdict=verdict(contrasts, NO_CODES, judged).sentence,
    )


def _variant_row(name: str, measured: Mapping[str, Measured]) -> dict[str, str | int | float | None]:
    ours, reference = measured[name], measured[NO_CODES]
    auc, loss = float(ours.auc.mean()), float(ours.logloss.mean())
    row: dict[str, str | int | float | None] = {
        "variant": name,
        "seeds": ours.auc.size,
        **mean_columns(ours),
        "normalised_entropy": ours.normalised_entropy,
        "calibration_error": ours.calibration_error,
        "auc_improvement": metrics.auc_improvement(auc, float(reference.auc.mean())),
        "logloss_improvement": metrics.logloss_improvement(loss, float(reference.logloss.mean())),
        **delta_columns(paired_difference(ours.replicates, reference.replicates)),
    }
    if name == NO_CODES:
        row |= {
            column: None for column in row if column.startswith("delta_") or column.endswith("_improvement")
        }
    return {column: None if value != value else value for column, value in row.items()}  # NaN is no JSON


def _contrasts(measured: Mapping[str, Measured]) -> pl.DataFrame:
    ours = measured[CODES]
    others = [name for name in measured if name != CODES]
    p_values = holm([paired_t(ours.auc, measured[name].auc) for name in others])
    rows = [
        {
            "against": name,
            **delta_columns(paired_difference(ours.replicates, measured[name].replicates)),
            "p_auc": None if np.isnan(p) else p,
        }
        for name, p in zip(others, p_values, strict=True)
    ]
    return pl.DataFrame(rows, schema_overrides={"p_auc": pl.Float64})
