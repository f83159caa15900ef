import numpy as np
import polars as pl
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from userip_lightning.errors import InputError
from userip_lightning.report.comparison import compare
from userip_lightning.report.predictions import read_predictions


@pytest.fixture
def runs(write):
    """Codes see most of the truth, one control sees as little as no codes, one sees half."""
    strength = {"none": 0.2, "codes": 1.2, "shuffled": 0.2, "svd_kmeans": 0.45}
    return {name: [write(name, seed, signal) for seed in range(5)] for name, signal in strength.items()}


def test_every_figure_is_that_of_the_predictions(runs):
    found = compare(runs, replicates=200)
    read = read_predictions(runs, "test")
    assert (found.rows, found.users) == (400, np.unique(read["none"].users).size)
    for row in found.variants.to_dicts():
        label, scores = read[row["variant"]].label, read[row["variant"]].scores
        aucs = [roc_auc_score(label, score) for score in scores]
        assert row["auc"] == pytest.approx(np.mean(aucs))
        assert row["auc_std"] == pytest.approx(np.std(aucs, ddof=1))
        assert row["seeds"] == 5
        losses = [log_loss(label, score) for score in read[row["variant"]].calibrated]
        assert row["calibrated_logloss"] == pytest.approx(np.mean(losses))
        assert row["calibrated_logloss_std"] == pytest.approx(np.std(losses, ddof=1))
    none, codes = (
        found.variants.row(by_predicate=pl.col("variant") == v, named=True) for v in ("none", "codes")
    )
    assert codes["delta_auc"] == pytest.approx(codes["auc"] - none["auc"])
    assert codes["auc_improvement"] == pytest.approx((codes["auc"] - 0.5) / (none["auc"] - 0.5) - 1)
    assert codes["logloss_improvement"] == pytest.approx(none["logloss"] / codes["logloss"] - 1)
    assert none["delta_auc"] is None


def test_codes_are_held_against_no_codes_and_each_control(runs):
    found = compare(runs, replicates=200)
    assert found.contrasts["against"].to_list() == ["none", "shuffled", "svd_kmeans"]
    assert (found.contrasts["delta_auc_low"] > 0).all()
    assert (found.contrasts["delta_logloss_high"] < 0).all()
    assert (found.contrasts["delta_calibrated_logloss_high"] < 0).all()
    assert found.contrasts["p_auc"].is_between(0, 0.05).all()
    assert "beat every control (shuffled and svd_kmeans)" in found.verdict


def test_a_control_as_good_as_the_codes_takes_the_gain_away(runs, write):
    runs["random"] = runs["codes"]
    found = compare(runs, replicates=200)
    assert "do not beat random: reported as no gain" in found.verdict


def test_codes_that_are_too_sure_of_themselves_still_gain_and_say_so(write, log):
    """A steep slope takes the Logloss of the codes above the click rate; their AUC is what it was."""
    scales = {"none": 0.2, "codes": 24.0, "svd_kmeans": 0.2}
    found = compare({name: [write(name, s, scale) for s in range(5)] for name, scale in scales.items()})
    none, codes, _ = found.variants.to_dicts()
    assert codes["logloss"] > found.base_rate_logloss > none["logloss"]
    assert codes["calibrated_logloss"] < none["calibrated_logloss"]
    assert "beat every control (svd_kmeans). Before calibration their Logloss of " in found.verdict


def test_one_seed_has_no_deviation_and_no_p_value(runs):
    found = compare({name: folders[:1] for name, folders in runs.items()}, replicates=50)
    assert found.variants["auc_std"].null_count() == found.variants.height
    assert found.contrasts["p_auc"].null_count() == found.contrasts.height


def test_the_same_seed_gives_the_same_intervals(runs):
    first, second = compare(runs, replicates=50, seed=4), compare(runs, replicates=50, seed=4)
    assert first.variants.equals(second.variants)
    assert not first.variants.equals(compare(runs, replicates=50, seed=5).variants)


def test_without_the_codes_there_is_nothing_to_judge(runs):
    del runs["codes"]
    with pytest.raises(InputError, match="no variant 'codes'"):
        compare(runs)


def test_over_a_coin_there_is_no_relative_improvement(runs, write):
    runs["none"] = [write("coin", seed, -0.5) for seed in range(5)]
    found = compare(runs, replicates=50)
    codes = found.variants.row(by_predicate=pl.col("variant") == "codes", named=True)
    assert codes["auc_improvement"] is None
    assert codes["delta_auc"] > 0
