"""Everything that is computed from one method's scores alone, once, whatever it is compared with later."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from userip_lightning.report.predictions import Predictions
from userip_lightning.report.statistics import metrics
from userip_lightning.report.statistics.bootstrap import PairedDifference, Replicates, replicate_metrics
from userip_lightning.report.statistics.delong import Placements, placements


class Measured(NamedTuple):
    """One method on the N judged rows, trained with S seeds."""

    auc: metrics.Floats  #                 [S]
    logloss: metrics.Floats  #             [S], nats
    calibrated_logloss: metrics.Floats  #  [S], nats
    normalised_entropy: float  #   mean over seeds, of uncalibrated scores, like the next
    calibration_error: float  #    mean over seeds
    replicates: Replicates  #      paired between methods of the same users, replicates and seed
    placements: Placements


def measure(predictions: Predictions, replicates: int, seed: int) -> Measured:
    """Measure one method.

    Args:
        predictions: of all its seeds, with both classes.
        replicates: of the user-clustered bootstrap.
        seed: of the bootstrap.
    """
    users, label, scores, calibrated = predictions
    return Measured(
        np.array([metrics.auc(label, score) for score in scores]),
        np.array([metrics.logloss(label, score) for score in scores]),
        np.array([metrics.logloss(label, score) for score in calibrated]),
        float(np.mean([metrics.normalised_entropy(label, score) for score in scores])),
        float(np.mean([metrics.expected_calibration_error(label, score) for score in scores])),
        replicate_metrics(users, label, scores, replicates, seed, calibrated),
        placements(label, scores),
    )


def deviation(values: metrics.Floats) -> float | None:
    """Standard deviation over seeds; None for one seed."""
    return float(values.std(ddof=1)) if values.size > 1 else None


def mean_columns(found: Measured) -> dict[str, float | None]:
    """auc, logloss and calibrated_logloss, means over seeds, each with its deviation as ``_std``."""
    columns: dict[str, float | None] = {}
    for metric in ("auc", "logloss", "calibrated_logloss"):
        values: metrics.Floats = getattr(found, metric)
        columns |= {metric: float(values.mean()), f"{metric}_std": deviation(values)}
    return columns


def delta_columns(difference: PairedDifference) -> dict[str, float]:
    """delta_auc, delta_auc_low, delta_auc_high, and the same for logloss and calibrated_logloss."""
    return {
        f"delta_{metric}{suffix}": value
        for metric, interval in zip(difference._fields, difference, strict=True)
        for suffix, value in zip(("", "_low", "_high"), interval, strict=True)
    }
