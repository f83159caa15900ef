import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from userip_lightning.report.statistics import metrics


@pytest.fixture
def rows() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    score = rng.integers(1, 20, size=300) / 20  # many ties
    return (rng.random(300) < score).astype(np.int8), score


def test_auc_is_the_share_of_pairs_in_order_with_ties_as_half(rows):
    label, score = rows
    pairs = [
        (p > n) + 0.5 * (p == n) for p in score[label == 1] for n in score[label == 0]
    ]  # the definition, one pair at a time
    assert metrics.auc(label, score) == pytest.approx(np.mean(pairs), abs=1e-12)
    assert metrics.auc(label, score) == pytest.approx(roc_auc_score(label, score), abs=1e-12)


def test_auc_of_a_constant_score_is_one_half(rows):
    label, _ = rows
    assert metrics.auc(label, np.full(label.size, 0.3)) == 0.5


def test_logloss_agrees_with_sklearn_and_stays_finite_on_saturated_scores(rows):
    label, score = rows
    assert metrics.logloss(label, score) == pytest.approx(log_loss(label, score), abs=1e-12)
    wrong = metrics.logloss(np.array([1, 0], dtype=np.int8), np.array([0.0, 1.0]))
    assert wrong == pytest.approx(-np.log(1e-7))


def test_the_base_rate_has_normalised_entropy_one_and_no_calibration_error(rows):
    label, _ = rows
    rate = np.full(label.size, label.mean())
    share = label.mean()
    entropy = -share * np.log(share) - (1 - share) * np.log(1 - share)
    assert metrics.base_rate_logloss(label) == pytest.approx(entropy)
    assert metrics.normalised_entropy(label, rate) == pytest.approx(1.0)
    assert metrics.expected_calibration_error(label, rate) == pytest.approx(0.0, abs=1e-12)


def test_calibration_error_by_hand():
    label = np.array([1, 1, 0, 0], dtype=np.int8)
    score = np.array([0.9, 1.0, 0.1, 0.3])
    # two bins: the upper one predicts 0.95 and sees 1.0, the lower one predicts 0.2 and sees 0.0
    assert metrics.expected_calibration_error(label, score, bins=2) == pytest.approx(0.5 * 0.05 + 0.5 * 0.2)


def test_relative_improvement_is_positive_where_ours_is_better():
    assert metrics.auc_improvement(0.72, 0.70) == pytest.approx(0.1)
    assert metrics.logloss_improvement(0.50, 0.55) == pytest.approx(0.1)
    assert metrics.logloss_improvement(0.55, 0.50) < 0


def test_relative_improvement_over_a_coin_is_undefined():
    assert np.isnan(metrics.auc_improvement(0.72, 0.5))
    assert np.isnan(metrics.auc_improvement(0.72, 0.49))
