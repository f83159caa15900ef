"""DeLong's test for AUCs that were measured on the same rows.

With m positives x_i and n negatives y_j, the placement of a row is the share of rows of the other class on
its right side, a tie counting one half:

    V10(i) = #{y_j < x_i} / n        V01(j) = #{x_i > y_j} / m        AUC = mean V10 = mean V01
    Var(AUC) = var(V10) / m + var(V01) / n

(DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44(3)), computed from midranks in O(N log N) as in Sun & Xu
2014, IEEE Signal Processing Letters 21(11): V10 = (rank among all - rank among positives) / n. The
variance of a difference of two methods is that of the differences of their placements, covariance included.

Deviations. Placements are averaged over the S trained seeds of a method, which makes the test one for the
mean of their AUCs given the trained models: the luck of training is not in it (``significance.paired_t`` has
it). And rows of one user are not independent; with ``users`` the variance sums a user's rows first,

    Var(AUC) = U / (U - 1) · Σ_u (Σ_i∈u (V10(i) - AUC) / m + Σ_j∈u (V01(j) - AUC) / n)²

(Obuchowski 1997, Biometrics 53(2), for users with any number of rows of either class).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

from userip_lightning.report.statistics.metrics import Floats


class Placements(NamedTuple):
    """One method's placements, averaged over its seeds, in the order of the rows."""

    auc: float  #        mean over seeds
    positive: Floats  #  [m]
    negative: Floats  #  [n]


class DeLong(NamedTuple):
    """Method a minus method b; NaN where a class has one row, or one user was given."""

    difference: float
    variance: float
    z: float
    p: float  #     two-sided
    low: float  #   95 % interval of the difference
    high: float


def placements(label: NDArray[np.int8], scores: Floats) -> Placements:
    """Placements of one method.

    Args:
        label: [N], 0 or 1, with both present.
        scores: [S, N], one row per trained seed, or [N].
    """
    scores = np.atleast_2d(scores)
    positive = label == 1
    inside_positive = rankdata(scores[:, positive], axis=1)
    inside_negative = rankdata(scores[:, ~positive], axis=1)
    overall = rankdata(scores, axis=1)
    above_negatives = (overall[:, positive] - inside_positive).mean(axis=0) / inside_negative.shape[1]
    below_positives = 1 - (overall[:, ~positive] - inside_negative).mean(axis=0) / inside_positive.shape[1]
    return Placements(float(above_negatives.mean()), above_negatives, below_positives)


def delong_test(
    a: Placements,
    b: Placements,
    users: tuple[NDArray[np.intp], NDArray[np.intp]] | None = None,
) -> DeLong:
    """Test whether two methods have equal AUCs.

    Args:
        a: placements of one method.
        b: placements of the other, on the same rows.
        users: user numbers of the positive rows [m] and of the negative rows [n]; None treats every row as
            independent, which is the classic test and too sure of itself where users differ.
    """
    positive, negative = a.positive - b.positive, a.negative - b.negative
    variance = _variance(positive, negative) if users is None else _clustered(positive, negative, *users)
    difference = a.auc - b.auc
    error = float(np.sqrt(variance))
    if error == 0:
        z = 0.0 if difference == 0 else float(np.copysign(np.inf, difference))
    else:
        z = difference / error
    reach = float(norm.ppf(0.975)) * error
    return DeLong(difference, variance, z, float(2 * norm.sf(abs(z))), difference - reach, difference + reach)


def _variance(positive: Floats, negative: Floats) -> float:
    if min(positive.size, negative.size) < 2:
        return float("nan")
    return float(positive.var(ddof=1) / positive.size + negative.var(ddof=1) / negative.size)


def _clustered(
    positive: Floats, negative: Floats, of_positive: NDArray[np.intp], of_negative: NDArray[np.intp]
) -> float:
    count = int(max(of_positive.max(), of_negative.max())) + 1
    share = np.bincount(of_positive, (positive - positive.mean()) / positive.size, count)
    share += np.bincount(of_negative, (negative - negative.mean()) / negative.size, count)
    present = np.union1d(of_positive, of_negative).size
    if present < 2:
        return float("nan")
    return float(np.square(share).sum() * present / (present - 1))
