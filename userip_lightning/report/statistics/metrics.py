"""Metrics of click-through-rate predictions, as pure functions on arrays of N rows.

Relative improvement (Eq. 10, 11), A ours and B the baseline, as the numbers in the paper's table imply:
AUC (A - 0.5) / (B - 0.5) - 1 and Logloss B / A - 1. Both are positive where A is better.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Floats = NDArray[np.float64]


def auc(label: NDArray[np.int8], score: Floats) -> float:
    """Probability that a positive row scores above a negative one; a tie counts one half.

    Args:
        label: [N], 0 or 1, with both present.
        score: [N], any monotone score.
    """
    positive = label == 1
    positives = int(positive.sum())
    ranks = rankdata(score)
    wins = ranks[positive].sum() - positives * (positives + 1) / 2
    return float(wins / (positives * (label.size - positives)))


def within(score: Floats) -> Floats:
    """Probabilities kept 1e-7 away from 0 and 1: one saturated float32 score makes no mean infinite."""
    return np.clip(score, 1e-7, 1 - 1e-7)


def row_logloss(label: NDArray[np.int8], score: Floats) -> Floats:
    """Binary cross-entropy of every row, in nats.

    Args:
        label: [N], 0 or 1.
        score: [N], probability of label 1.
    """
    probability = within(score)
    return -np.where(label == 1, np.log(probability), np.log1p(-probability))


def logloss(label: NDArray[np.int8], score: Floats) -> float:
    """Mean binary cross-entropy in nats (see :func:`row_logloss`)."""
    return float(row_logloss(label, score).mean())


def base_rate_logloss(label: NDArray[np.int8]) -> float:
    """Logloss of always predicting the share of positives: the entropy of the labels, in nats."""
    return logloss(label, np.full(label.size, label.mean()))


def normalised_entropy(label: NDArray[np.int8], score: Floats) -> float:
    """Logloss over :func:`base_rate_logloss`: below 1 the model knows more than the click rate."""
    return logloss(label, score) / base_rate_logloss(label)


def expected_calibration_error(label: NDArray[np.int8], score: Floats, bins: int = 15) -> float:
    """Mean gap between predicted and observed click rate over equally wide score bins, weighted by rows."""
    index = np.minimum((score * bins).astype(np.int64), bins - 1)
    gap = np.bincount(index, weights=score - label, minlength=bins)
    return float(np.abs(gap).sum() / label.size)


def auc_improvement(ours: float, baseline: float) -> float:
    """Eq. 10: relative improvement of AUC over what a coin reaches; 0.1 means 10 %.

    NaN where the baseline is hardly better than the coin (AUC below 0.51), where the ratio means nothing.
    """
    return (ours - 0.5) / (baseline - 0.5) - 1 if baseline >= 0.51 else float("nan")


def logloss_improvement(ours: float, baseline: float) -> float:
    """Eq. 11: relative improvement of Logloss; 0.1 means 10 %."""
    return baseline / ours - 1
