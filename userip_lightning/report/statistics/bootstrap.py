"""User-clustered paired bootstrap of AUC, Logloss and Logloss after calibration.

Rows of one user are not independent, so a replicate draws users with replacement and takes all their
rows. Several trained seeds are a second sampled dimension: a replicate also draws seeds, and averages the
metric over them (the pigeonhole bootstrap, Owen 2007, The Annals of Applied Statistics 1(2)). Users and
seeds are drawn alike for every method with the same ``seed``, which makes differences between methods paired.

S seeds drawn from S vary too little: their mean has (S-1)/S of the variance that the unbiased estimate gives
it, and a percentile of it is close to a normal one although the variance was estimated from S values. So what
the draw of seeds adds to a replicate is stretched by √(S/(S-1)) · t(S-1) / z, with the 97.5 % quantiles of
Student's t and of the normal distribution, and what the draw of U users adds by the same factor of U. Where
users decide nothing, the interval is that of a t test over seeds. One seed or user says nothing of the
others, and no interval can make up for that (``report/verdict.py``).

A replicate weights every row by how often its user was drawn. Rows are sorted by score once; then

    AUC = Σ_i w_i (W_below(i) + W_tied(i) / 2) / (Σ_i w_i · Σ_j w_j)

over positives i and negatives j, with W the drawn weight of negatives below, or tied with, positive i.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

from userip_lightning.report.statistics.metrics import Floats, auc, logloss, row_logloss

#: Replicates weighted at a time: wide enough to vectorise, narrow enough that a gathered row stays in cache.
_BLOCK = 64


class Replicates(NamedTuple):
    """One method's metrics on R replicates and on the data itself, averaged over seeds."""

    auc: Floats  #                 [R]; NaN where the drawn users had only one class
    logloss: Floats  #             [R], nats
    calibrated_logloss: Floats  #  [R], nats
    auc_point: float
    logloss_point: float
    calibrated_logloss_point: float


class Interval(NamedTuple):
    """A difference with its 95 % percentile interval."""

    difference: float
    low: float
    high: float


class PairedDifference(NamedTuple):
    """Method a minus method b; a better a has a positive AUC and a negative Logloss difference."""

    auc: Interval
    logloss: Interval
    calibrated_logloss: Interval


def replicate_metrics(
    users: NDArray[np.str_],
    label: NDArray[np.int8],
    scores: Floats,
    replicates: int = 2000,
    seed: int = 0,
    calibrated: Floats | None = None,
) -> Replicates:
    """Bootstrap one method.

    Args:
        users: [N], the user of every row.
        label: [N], 0 or 1, with both present.
        scores: [S, N], one row of probabilities per trained seed, or [N].
        replicates: R.
        seed: of the draws; methods replicated with the same users and seed are paired.
        calibrated: the scores after calibration, of the same shape; None: the same as ``scores``.
    """
    scores = np.atleast_2d(scores)
    calibrated = scores if calibrated is None else np.atleast_2d(calibrated)
    user = np.unique(users, return_inverse=True)[1].reshape(-1)
    count = int(user.max()) + 1
    rng = np.random.default_rng(seed)
    picked = rng.integers(scores.shape[0], size=(replicates, scores.shape[0]))
    aucs = np.empty((replicates, scores.shape[0]))
    losses, calibrated_losses = np.empty_like(aucs), np.empty_like(aucs)
    ranked = [_RankedRows(user, label, score) for score in scores]
    raw_loss, calibrated_loss = (_UserLoss(user, label, shown) for shown in (scores, calibrated))
    for block, drawn in _draws(rng, count, replicates):
        losses[block] = raw_loss.weighted(drawn)
        calibrated_losses[block] = calibrated_loss.weighted(drawn)
        for column, rows in enumerate(ranked):
            aucs[block, column] = rows.weighted_auc(drawn)
    auc_point = float(np.mean([auc(label, score) for score in scores]))
    point, calibrated_point = (
        float(np.mean([logloss(label, score) for score in shown])) for shown in (scores, calibrated)
    )
    return Replicates(
        _stretched(aucs, picked, auc_point, count),
        _stretched(losses, picked, point, count),
        _stretched(calibrated_losses, picked, calibrated_point, count),
        auc_point,
        point,
        calibrated_point,
    )


def paired_difference(a: Replicates, b: Replicates) -> PairedDifference:
    """Interval of a minus b; both must come from the same users, replicates and seed."""
    return PairedDifference(
        _interval(a.auc_point - b.auc_point, a.auc - b.auc),
        _interval(a.logloss_point - b.logloss_point, a.logloss - b.logloss),
        _interval(
            a.calibrated_logloss_point - b.calibrated_logloss_point,
            a.calibrated_logloss - b.calibrated_logloss,
        ),
    )


def paired_bootstrap(
    users: NDArray[np.str_],
    label: NDArray[np.int8],
    score_a: Floats,
    score_b: Floats,
    replicates: int = 2000,
    seed: int = 0,
) -> PairedDifference:
    """User-clustered paired bootstrap of method a against method b; shapes as in replicate_metrics."""
    return paired_difference(
        replicate_metrics(users, label, score_a, replicates, seed),
        replicate_metrics(users, label, score_b, replicates, seed),
    )


class _RankedRows:
    """One seed's rows in ascending order of score, ready to be weighted by [U, R] draws of users."""

    def __init__(self, user: NDArray[np.intp], label: NDArray[np.int8], score: Floats) -> None:
        order = np.argsort(score, kind="stable")
        positive = label[order] == 1
        ranked = score[order]
        self._positive_user = user[order][positive]
        self._negative_user = user[order][~positive]
        self._below = np.searchsorted(ranked[~positive], ranked[positive], side="left")
        self._not_above = np.searchsorted(ranked[~positive], ranked[positive], side="right")

    def weighted_auc(self, drawn: NDArray[np.int32]) -> Floats:
        """AUC [R]; NaN where one class was not drawn."""
        positive = drawn[self._positive_user]
        negative = np.zeros((self._negative_user.size + 1, drawn.shape[1]), dtype=np.int32)
        np.cumsum(drawn[self._negative_user], axis=0, out=negative[1:])
        wins = np.einsum("nr,nr->r", positive, negative[self._below], dtype=np.float64)
        tied = np.flatnonzero(self._not_above > self._below)
        if tied.size:
            ties = negative[self._not_above[tied]] - negative[self._below[tied]]
            wins += np.einsum("nr,nr->r", positive[tied], ties, dtype=np.float64) / 2
        pairs = positive.sum(axis=0, dtype=np.float64) * negative[-1]
        result: Floats = np.divide(wins, pairs, out=np.full_like(wins, np.nan), where=pairs > 0)
        return result


class _UserLoss:
    """The Logloss of every user and seed, ready to be weighted by [U, R] draws of users."""

    def __init__(self, user: NDArray[np.intp], label: NDArray[np.int8], scores: Floats) -> None:
        self._loss = np.stack([np.bincount(user, weights=row_logloss(label, score)) for score in scores])
        self._rows = np.bincount(user)

    def weighted(self, drawn: NDArray[np.int32]) -> Floats:
        """Logloss [R, S]."""
        return np.asarray((self._loss @ drawn / (self._rows @ drawn)).T)


def _stretched(metric: Floats, picked: NDArray[np.int64], point: float, users: int) -> Floats:
    """[R] means over seeds, with what the draws of users and of seeds add to the point stretched.

    Args:
        metric: [R, S] on the drawn users.
        picked: [R, S] seeds that each replicate drew.
        point: on the data itself.
        users: how many there are.
    """
    every = metric.mean(axis=1)
    drawn = np.take_along_axis(metric, picked, axis=1).mean(axis=1)
    seeds = metric.shape[1]
    return np.asarray(point + _stretch(users) * (every - point) + _stretch(seeds) * (drawn - every))


def _stretch(units: int) -> float:
    """√(n/(n-1)) · t(n-1) / z of n seeds or users; 1 for a single one, which is always drawn."""
    if units == 1:
        return 1.0
    return float(np.sqrt(units / (units - 1)) * t.ppf(0.975, units - 1) / norm.ppf(0.975))


def _draws(
    rng: np.random.Generator, users: int, replicates: int
) -> Iterator[tuple[slice, NDArray[np.int32]]]:
    """How often each user was drawn, [U, R] for one block of replicates after another."""
    for start in range(0, replicates, _BLOCK):
        width = min(_BLOCK, replicates - start)
        cell = rng.integers(users, size=(users, width)) * width + np.arange(width)
        counts = np.bincount(cell.ravel(), minlength=users * width)
        yield slice(start, start + width), counts.reshape(users, width).astype(np.int32)


def _interval(difference: float, replicated: Floats) -> Interval:
    low, high = np.nanpercentile(replicated, [2.5, 97.5])
    return Interval(difference, float(low), float(high))
