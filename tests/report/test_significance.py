import numpy as np
import pytest
from scipy.stats import ttest_rel

from userip_lightning.report.statistics.significance import holm, paired_t


def test_paired_t_agrees_with_scipy():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 5))
    assert paired_t(a, b) == pytest.approx(ttest_rel(a, b).pvalue, abs=1e-12)


def test_one_seed_has_no_p_value_and_equal_runs_have_one():
    assert np.isnan(paired_t(np.array([0.7]), np.array([0.6])))
    assert paired_t(np.array([0.7, 0.8]), np.array([0.7, 0.8])) == 1.0
    assert paired_t(np.array([0.75, 1.0]), np.array([0.5, 0.75])) == 0.0


def test_holm_by_hand():
    # sorted 0.01 0.02 0.04: 3 × 0.01, 2 × 0.02, 1 × 0.04, then running maximum
    assert holm([0.04, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    assert holm([0.6, 0.5]) == pytest.approx([1.0, 1.0])


def test_holm_leaves_missing_values_out_of_the_count():
    adjusted = holm([0.02, float("nan"), 0.03])
    assert adjusted[0] == pytest.approx(0.04)
    assert np.isnan(adjusted[1])
