"""Codes over the best baseline of a block: who stands for either side, and the paper's own figures."""

import pytest

from userip_lightning.report.judge import judge_study
from userip_lightning.report.statistics.metrics import auc_improvement, logloss_improvement


def found(entries, root):
    block = judge_study([*entries.values()], root, replicates=50).blocks[0]
    rows = {row["method"]: row for row in block.table.to_dicts()}
    return block.over_best, rows


def test_the_best_row_without_codes_is_the_baseline_of_both_figures(entries, tmp_path):
    best, rows = found(entries, tmp_path)
    assert (best.method, best.baseline, best.baselines) == ("UserIP-DCN", "biased MF", 3)
    ours, other = rows["UserIP-DCN"], rows["biased MF"]
    assert other["auc"] == max(rows[name]["auc"] for name in ("biased MF", "DCN", "PNN"))
    assert best.auc_improvement == pytest.approx(auc_improvement(ours["auc"], other["auc"]))
    assert best.logloss_improvement == pytest.approx(logloss_improvement(ours["logloss"], other["logloss"]))
    assert best.deltas["delta_auc"] == pytest.approx(ours["auc"] - other["auc"])
    assert best.deltas["delta_auc_low"] < best.deltas["delta_auc"] < best.deltas["delta_auc_high"]


def test_validation_rows_choose_among_codes_and_controls_are_no_baseline(entries, tmp_path):
    entries["UserIP-DCN"] = entries["UserIP-DCN"]._replace(validation_auc=0.6)
    entries["UserIP-PNN"] = entries["UserIP-PNN"]._replace(validation_auc=0.7)
    del entries["biased MF"]
    best, rows = found(entries, tmp_path)
    assert (best.method, best.baseline, best.baselines) == ("UserIP-PNN", "PNN", 2)
    assert rows["DCN + SVD"]["auc"] > rows["PNN"]["auc"]


@pytest.mark.parametrize("left_out", [{"UserIP-DCN", "UserIP-PNN"}, {"biased MF", "DCN", "PNN"}])
def test_without_either_side_there_is_nothing_to_compare(left_out, entries, tmp_path):
    left = {
        name: entry._replace(against=None if entry.against in left_out else entry.against)
        for name, entry in entries.items()
        if name not in left_out
    }
    assert found(left, tmp_path)[0] is None


def test_a_baseline_like_a_coin_has_no_relative_improvement(entries, tmp_path, write):
    for seed in range(5):
        write("coin", seed, 0.0)
    coin = entries["DCN"]._replace(runs=tuple(f"coin/{seed}" for seed in range(5)))
    best, rows = found({"DCN": coin, "UserIP-DCN": entries["UserIP-DCN"]}, tmp_path)
    assert rows["DCN"]["auc"] < 0.51
    assert best.auc_improvement is None
    assert best.logloss_improvement > 0
