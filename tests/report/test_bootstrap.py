import numpy as np
import pytest
from scipy.stats import norm, t
from sklearn.metrics import log_loss, roc_auc_score

from tests.report.simulated import simulate
from userip_lightning.report.statistics.bootstrap import _draws, paired_bootstrap, replicate_metrics


def test_every_replicate_equals_a_loop_over_the_drawn_users():
    users, label, score, _ = simulate(np.random.default_rng(0), 12, 5, 1.0)
    score = np.round(score, 1)  # ties
    fast = replicate_metrics(users, label, score, replicates=70, seed=5)  # more than one block
    stretch = np.sqrt(12 / 11) * t.ppf(0.975, 11) / norm.ppf(0.975)  # of twelve users
    auc_drawn = fast.auc_point + (fast.auc - fast.auc_point) / stretch
    loss_drawn = fast.logloss_point + (fast.logloss - fast.logloss_point) / stretch
    rng = np.random.default_rng(5)
    rng.integers(1, size=(70, 1))  # the draw of seeds comes first
    names = np.unique(users)
    for block, drawn in _draws(rng, names.size, 70):
        for r, counts in zip(range(block.start, block.stop), drawn.T, strict=True):
            assert counts.sum() == names.size
            rows = np.concatenate([np.flatnonzero(users == u) for u in np.repeat(names, counts)])
            assert auc_drawn[r] == pytest.approx(roc_auc_score(label[rows], score[rows]), abs=1e-12)
            clipped = np.clip(score[rows], 1e-7, 1 - 1e-7)
            assert loss_drawn[r] == pytest.approx(log_loss(label[rows], clipped), abs=1e-12)


def test_the_point_difference_is_that_of_the_data_averaged_over_seeds():
    users, label, a, b = simulate(np.random.default_rng(1), 30, 5, 2.0)
    twice = np.stack([a, b])
    found = paired_bootstrap(users, label, twice, np.stack([b, b]), replicates=50)
    expected = (roc_auc_score(label, a) - roc_auc_score(label, b)) / 2
    assert found.auc.difference == pytest.approx(expected)
    assert found.auc.low < found.auc.difference < found.auc.high


def test_the_same_scores_differ_by_exactly_zero_in_every_replicate():
    users, label, a, _ = simulate(np.random.default_rng(2), 30, 5, 1.0)
    found = paired_bootstrap(users, label, a, a, replicates=100)
    assert found.auc == found.logloss == (0.0, 0.0, 0.0)


def test_the_row_order_does_not_matter():
    users, label, a, b = simulate(np.random.default_rng(3), 40, 5, 1.5)
    order = np.random.default_rng(4).permutation(users.size)
    first = paired_bootstrap(users, label, a, b, replicates=100)
    second = paired_bootstrap(users[order], label[order], a[order], b[order], replicates=100)
    np.testing.assert_allclose(first, second, atol=1e-12)


def test_clustering_widens_the_interval_where_users_are_alike_inside():
    rng = np.random.default_rng(6)
    users, label, a, b = simulate(rng, 60, 20, 1.0)
    clustered = paired_bootstrap(users, label, a, b, replicates=400)
    independent = paired_bootstrap(np.arange(users.size).astype(str), label, a, b, replicates=400)
    width = clustered.auc.high - clustered.auc.low
    assert width > 1.3 * (independent.auc.high - independent.auc.low)


def test_noise_between_seeds_widens_the_interval():
    rng = np.random.default_rng(8)
    users, label, a, b = simulate(rng, 200, 5, 1.0)
    unstable = np.stack([a, rng.random(a.size)])  # one seed works, one does not
    steady = paired_bootstrap(users, label, np.stack([a, a]), np.stack([b, b]), replicates=300)
    noisy = paired_bootstrap(users, label, unstable, np.stack([b, b]), replicates=300)
    assert noisy.auc.high - noisy.auc.low > 2 * (steady.auc.high - steady.auc.low)


def test_a_replicate_with_one_class_is_left_out():
    users = np.array(["a", "b", "c"])
    label = np.array([1, 0, 0], dtype=np.int8)
    replicated = replicate_metrics(users, label, np.array([0.9, 0.2, 0.1]), replicates=200)
    assert np.isnan(replicated.auc).any()
    assert np.nanmin(replicated.auc) == 1.0
    assert np.isfinite(replicated.logloss).all()
