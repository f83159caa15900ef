import numpy as np
import pytest
from scipy.stats import mannwhitneyu, norm
from sklearn.metrics import roc_auc_score

from userip_lightning.report.statistics.delong import delong_test, placements


def sample(rng, rows=300, tied=False):
    """Labels and two correlated scores; ``tied`` leaves ten distinct values."""
    label = (rng.random(rows) < 0.4).astype(np.int8)
    shared = rng.normal(size=rows)
    scores = 0.8 * label + shared + rng.normal(size=(2, rows))
    return label, np.round(scores) if tied else scores


def psi(positive, negative):
    """One pair at a time: 1 where the positive is above, one half for a tie."""
    return np.array([[(p > n) + 0.5 * (p == n) for n in negative] for p in positive])


def by_definition(label, scores):
    """Covariance matrix of the AUCs from all m × n pairs, as DeLong et al. wrote it."""
    pairs = [psi(score[label == 1], score[label == 0]) for score in scores]
    s10 = np.cov([kernel.mean(axis=1) for kernel in pairs])
    s01 = np.cov([kernel.mean(axis=0) for kernel in pairs])
    return s10 / pairs[0].shape[0] + s01 / pairs[0].shape[1]


@pytest.mark.parametrize("tied", [False, True])
def test_placements_and_variance_agree_with_all_pairs(tied):
    label, scores = sample(np.random.default_rng(0), tied=tied)
    a, b = placements(label, scores[0]), placements(label, scores[1])
    kernel = psi(scores[0][label == 1], scores[0][label == 0])
    np.testing.assert_allclose(a.positive, kernel.mean(axis=1), atol=1e-12)
    np.testing.assert_allclose(a.negative, kernel.mean(axis=0), atol=1e-12)
    covariance = by_definition(label, scores)
    found = delong_test(a, b)
    assert found.variance == pytest.approx(np.array([1, -1]) @ covariance @ np.array([1, -1]), rel=1e-10)
    assert found.z == pytest.approx(found.difference / np.sqrt(found.variance))
    assert found.p == pytest.approx(2 * (1 - norm.cdf(abs(found.z))))
    assert (found.high - found.low) / 2 == pytest.approx(1.959964 * np.sqrt(found.variance), rel=1e-6)


@pytest.mark.parametrize("tied", [False, True])
def test_the_auc_is_that_of_scikit_learn_and_of_mann_whitney(tied):
    label, scores = sample(np.random.default_rng(1), tied=tied)
    found = placements(label, scores[0])
    u = mannwhitneyu(scores[0][label == 1], scores[0][label == 0]).statistic
    pairs = label.sum() * (label.size - label.sum())
    assert found.auc == pytest.approx(roc_auc_score(label, scores[0]), abs=1e-12)
    assert found.auc == pytest.approx(u / pairs, abs=1e-12)
    assert found.negative.mean() == pytest.approx(found.auc, abs=1e-12)


def test_seeds_are_averaged():
    label, scores = sample(np.random.default_rng(2))
    both = placements(label, scores)
    first, second = placements(label, scores[0]), placements(label, scores[1])
    assert both.auc == pytest.approx((first.auc + second.auc) / 2)
    np.testing.assert_allclose(both.positive, (first.positive + second.positive) / 2)
    np.testing.assert_allclose(both.negative, (first.negative + second.negative) / 2)


def test_users_of_one_row_each_change_little_and_doubled_rows_change_nothing():
    """With every row twice, rows look like twice the evidence; users see through it."""
    label, scores = sample(np.random.default_rng(3))
    a, b = (placements(label, score) for score in scores)
    alone = np.arange(label.size)
    users = delong_test(a, b, (alone[label == 1], alone[label == 0]))
    rows = delong_test(a, b)
    assert users.variance == pytest.approx(rows.variance, rel=0.02)  # (m - 1) / m against (U - 1) / U
    twice = np.tile(label, 2)
    a2, b2 = (placements(twice, np.tile(score, 2)) for score in scores)
    user = np.tile(alone, 2)
    assert delong_test(a2, b2, (user[twice == 1], user[twice == 0])).variance == pytest.approx(users.variance)
    assert delong_test(a2, b2).variance < 0.52 * rows.variance


def test_the_same_scores_do_not_differ_and_opposite_ones_do():
    label, scores = sample(np.random.default_rng(4))
    a = placements(label, scores[0])
    assert delong_test(a, a) == (0.0, 0.0, 0.0, 1.0, 0.0, 0.0)
    right, wrong = placements(label, label.astype(float)), placements(label, 1.0 - label)
    assert delong_test(right, wrong).p == 0.0


def test_one_row_of_a_class_or_one_user_has_no_p_value():
    label = np.array([1, 0, 0], dtype=np.int8)
    a, b = placements(label, np.array([0.3, 0.1, 0.5])), placements(label, np.array([0.9, 0.1, 0.5]))
    assert np.isnan(delong_test(a, b).p)
    nobody_else = (np.zeros(1, dtype=np.intp), np.zeros(2, dtype=np.intp))
    assert np.isnan(delong_test(a, b, nobody_else).p)


def binormal(rng, shifts, positives=60, negatives=80):
    """Scores whose AUC is Φ(shift / √2) exactly, correlated between methods."""
    label = np.r_[np.ones(positives), np.zeros(negatives)].astype(np.int8)
    shared = rng.normal(size=label.size) * np.sqrt(0.6)
    own = rng.normal(size=(len(shifts), label.size)) * np.sqrt(0.4)
    return label, shared + own + np.outer(shifts, label)


TRIALS = 1500
TOLERANCE = 3 * np.sqrt(0.95 * 0.05 / TRIALS)  # three binomial standard errors


def test_no_difference_is_called_one_5_times_in_100():
    rng = np.random.default_rng(5)
    rejected = 0
    for _ in range(TRIALS):
        label, (a, b) = binormal(rng, [0.8, 0.8])
        rejected += delong_test(placements(label, a), placements(label, b)).p < 0.05
    assert rejected / TRIALS == pytest.approx(0.05, abs=TOLERANCE)


def test_the_interval_holds_the_true_difference_of_mean_aucs_95_times_in_100():
    """Method a has two trained models of unequal AUC; the truth is their mean."""
    rng = np.random.default_rng(6)
    shifts = np.array([0.6, 1.1, 0.7])
    true = norm.cdf(shifts / np.sqrt(2))
    truth = true[:2].mean() - true[2]
    held = 0
    for _ in range(TRIALS):
        label, scores = binormal(rng, shifts)
        found = delong_test(placements(label, scores[:2]), placements(label, scores[2]))
        held += found.low <= truth <= found.high
    assert held / TRIALS == pytest.approx(0.95, abs=TOLERANCE)
