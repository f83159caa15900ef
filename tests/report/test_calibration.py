"""Probabilities calibrated on validation rows."""

import numpy as np
import polars as pl
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from userip_lightning.errors import InputError
from userip_lightning.report.predictions import read_predictions, read_run
from userip_lightning.report.statistics.calibration import calibrated, calibrated_scores
from userip_lightning.report.statistics.metrics import logloss


@pytest.fixture
def rows():
    """Log-odds that are three times too large and shifted, with their labels; validation rows come first."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=8000)
    label = (rng.random(8000) < expit(truth)).astype(np.int8)
    return 3 * truth + 1, label


def test_the_line_is_that_of_a_logistic_regression_on_validation_rows(rows):
    odds, label = rows
    found = calibrated(odds[:4000], label[:4000], odds[4000:])
    fitted = LogisticRegression(C=np.inf).fit(odds[:4000, None], label[:4000])
    np.testing.assert_allclose(found, fitted.predict_proba(odds[4000:, None])[:, 1], atol=1e-3)
    np.testing.assert_allclose(logit(found), (odds[4000:] - 1) / 3, atol=0.2)


def test_the_order_stays_and_logloss_is_that_of_the_truth(rows):
    odds, label = rows
    judged = label[4000:]
    found = calibrated_scores(expit(odds[:4000]), label[:4000], expit(odds[4000:]))
    assert roc_auc_score(judged, found) == pytest.approx(roc_auc_score(judged, odds[4000:]))
    truth = logloss(judged, expit((odds[4000:] - 1) / 3))
    assert logloss(judged, found) == pytest.approx(truth, abs=0.002)
    assert logloss(judged, expit(odds[4000:])) > truth + 0.2


def test_scores_that_point_the_wrong_way_are_not_turned(rows):
    odds, label = rows
    found = calibrated(-odds[:4000], label[:4000], np.array([0.0, 1.0]))
    assert found[0] < found[1] < found[0] + 1e-3


@pytest.mark.parametrize(("slope", "offset"), [(1e-3, -8.0), (3e-3, -13.0), (4.0, -12.0), (200.0, 40.0)])
def test_narrow_wide_and_shifted_log_odds_end_in_the_same_probabilities(rows, slope, offset):
    odds, label = rows
    found = calibrated(slope * odds[:4000] + offset, label[:4000], slope * odds[4000:] + offset)
    np.testing.assert_allclose(found, calibrated(odds[:4000], label[:4000], odds[4000:]), atol=1e-5)


def test_a_few_rows_that_are_told_apart_make_nobody_certain():
    label = np.repeat(np.array([0, 1], dtype=np.int8), 10)
    found = calibrated(label * 2.0 - 1, label, np.array([-1.0, 1.0]))
    np.testing.assert_allclose(found, [1 / 12, 11 / 12], atol=1e-4)  # Platt's targets


def test_saturated_and_constant_scores_stay_finite(rows):
    _, label = rows
    ends = np.where(label == 1, 1.0, 0.0)
    assert np.isfinite(calibrated_scores(ends, label, np.array([0.0, 1.0]))).all()
    constant = calibrated_scores(np.full(label.size, 0.3), label, np.array([0.3]))
    np.testing.assert_allclose(constant, [label.mean()], atol=1e-3)


def test_judged_rows_decide_nothing(write, log):
    """Other labels of test rows, the same calibrated scores; other labels of validation rows, others."""
    label = pl.col("label")
    runs = {}
    for split in ("none", "test", "val"):
        turned = pl.when(pl.col("split") == split).then(1 - label).otherwise(label).cast(pl.Int8)
        path = write(split, 0, 1.0, rows=log.with_columns(label=turned))
        runs[split] = read_predictions({"none": [path]}, "test")["none"].calibrated
    np.testing.assert_array_equal(runs["test"], runs["none"])
    assert not np.allclose(runs["val"], runs["none"], atol=0.05)


def test_only_rows_of_the_chosen_users_calibrate_and_are_judged(write, log):
    chosen = pl.Series([f"u{number}" for number in range(40)])
    strange = ~pl.col("user_id").is_in(chosen.implode())
    turned = pl.when(strange).then(1 - pl.col("label")).otherwise(pl.col("label")).cast(pl.Int8)
    found = [
        read_predictions({"none": [write(name, 0, 1.0, rows=rows)]}, "test", chosen)["none"]
        for name, rows in (("as it is", log), ("turned", log.with_columns(label=turned)))
    ]
    assert set(found[0].users) <= set(chosen)
    np.testing.assert_array_equal(found[0].calibrated, found[1].calibrated)
    everybody = read_predictions({"none": [write("turned", 0, 1.0)]}, "test")["none"]
    assert everybody.calibrated.shape[1] > found[0].calibrated.shape[1]


def test_without_validation_rows_the_run_is_refused(write, log):
    path = write("none", 0, 1.0, rows=log.filter(pl.col("split") == "test"))
    with pytest.raises(InputError, match="no rows of split 'val'"):
        read_run(path, "test")
