"""Do the intervals hold what they promise? The truth is the figure on users far more numerous than a sample.

Tolerances are binomial: of 400 trials at 95 %, a share outside 0.95 ± 0.033 (three standard errors) has
probability 0.003, so an interval that is a little too narrow fails.
"""

from typing import NamedTuple

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from tests.report.simulated import simulate
from userip_lightning.report.statistics.bootstrap import paired_bootstrap
from userip_lightning.report.statistics.delong import delong_test, placements
from userip_lightning.report.verdict import MIN_SEEDS

TRIALS, USERS, ROWS_EACH, TASTE = 400, 120, 10, 2.5
TOLERANCE = 3 * np.sqrt(0.95 * 0.05 / TRIALS)


class Coverage(NamedTuple):
    """Share of trials in which an interval held the truth."""

    users_auc: float
    users_logloss: float
    rows_auc: float
    delong_users: float
    delong_rows: float


@pytest.fixture(scope="module")
def coverage() -> Coverage:
    rng = np.random.default_rng(10)
    users, label, a, b = simulate(rng, 20_000, ROWS_EACH, 1.6, TASTE)
    auc = roc_auc_score(label, a) - roc_auc_score(label, b)
    loss = log_loss(label, a) - log_loss(label, b)
    start = np.flatnonzero(np.r_[True, users[1:] != users[:-1], True])
    held = np.zeros((TRIALS, len(Coverage._fields)), dtype=bool)
    for trial in range(TRIALS):
        drawn = rng.choice(20_000, size=USERS, replace=False)
        rows = np.concatenate([np.arange(start[u], start[u + 1]) for u in drawn])
        sample = users[rows], label[rows], a[rows], b[rows]
        clustered = paired_bootstrap(*sample, replicates=200)
        naive = paired_bootstrap(np.arange(rows.size).astype(str), *sample[1:], replicates=200)
        user = np.unique(sample[0], return_inverse=True)[1]
        ours, theirs = placements(sample[1], sample[2]), placements(sample[1], sample[3])
        by_class = user[sample[1] == 1], user[sample[1] == 0]
        by_user, by_row = delong_test(ours, theirs, by_class), delong_test(ours, theirs)
        held[trial] = (
            clustered.auc.low <= auc <= clustered.auc.high,
            clustered.logloss.low <= loss <= clustered.logloss.high,
            naive.auc.low <= auc <= naive.auc.high,
            by_user.low <= auc <= by_user.high,
            by_row.low <= auc <= by_row.high,
        )
    return Coverage(*held.mean(axis=0))


def test_drawing_users_covers_the_truth_95_times_in_100(coverage):
    assert coverage.users_auc == pytest.approx(0.95, abs=TOLERANCE)
    assert coverage.users_logloss == pytest.approx(0.95, abs=TOLERANCE)


def test_delong_with_users_as_clusters_covers_the_truth_95_times_in_100(coverage):
    assert coverage.delong_users == pytest.approx(0.95, abs=TOLERANCE)


def test_treating_rows_as_independent_is_too_sure_of_itself(coverage):
    assert coverage.rows_auc < 0.95 - 2 * TOLERANCE
    assert coverage.delong_rows < 0.95 - 2 * TOLERANCE


def _claims(rng: np.random.Generator, seeds: int) -> int:
    """How many of TRIALS comparisons call a gain, between methods that differ by training luck alone."""
    claims = 0
    for _ in range(TRIALS):
        user = np.repeat(np.arange(USERS), 5)
        truth = rng.normal(size=user.size)
        label = (rng.random(user.size) < 1 / (1 + np.exp(-truth))).astype(np.int8)
        strength = 1 + 0.5 * rng.normal(
            size=(2, seeds, 1)
        )  # training luck: how much of the truth a seed sees
        first, second = 1 / (1 + np.exp(-(strength * truth + 0.3 * rng.normal(size=(2, seeds, user.size)))))
        claims += paired_bootstrap(user.astype(str), label, first, second, replicates=200).auc.low > 0
    return claims


def test_training_luck_is_seldom_called_a_gain_with_five_seeds_and_often_with_one():
    nominal = 0.025 * TRIALS
    error = 3 * np.sqrt(0.025 * 0.975 * TRIALS)
    assert _claims(np.random.default_rng(1), MIN_SEEDS) <= nominal + error
    assert _claims(np.random.default_rng(1), 1) > nominal + error


@pytest.mark.parametrize("users", [4, 8])
def test_a_few_users_call_a_gain_no_more_often_than_one_time_in_forty(users):
    """Two methods that know something of every user, of each other's taste nothing; none is better."""
    rng, claims = np.random.default_rng(13), 0
    for _ in range(TRIALS):
        user = np.repeat(np.arange(users), 6)
        label = np.tile(np.array([1, 0], dtype=np.int8), users * 3)
        signal = rng.normal(size=user.size) + label
        ours, theirs = (
            1 / (1 + np.exp(-signal - 0.5 * rng.normal(size=users)[user] * (2 * label - 1))) for _ in "ab"
        )
        claims += paired_bootstrap(user.astype(str), label, ours, theirs, replicates=400).auc.low > 0
    assert claims / TRIALS <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / TRIALS)
