import warnings

import numpy as np
import polars as pl
import pytest
from scipy.stats import ttest_rel
from sklearn.metrics import roc_auc_score

from tests.forged import forge
from tests.report.simulated import METHODS, SEEDS
from userip_lightning.errors import InputError
from userip_lightning.report.entries import Entry
from userip_lightning.report.judge import judge_study
from userip_lightning.report.predictions import read_predictions
from userip_lightning.report.sheet import block_sheet
from userip_lightning.report.statistics.bootstrap import paired_bootstrap


def judge(entries, root, **changes):
    """The study with some entries replaced, warnings not allowed."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return judge_study([*(entries | changes).values()], root, replicates=100)


def row(study, method):
    return study.table.row(by_predicate=pl.col("method") == method, named=True)


def test_every_figure_is_that_of_the_predictions(entries, tmp_path):
    study = judge(entries, tmp_path)
    runs = {m: [tmp_path / run for run in e.runs] for m, e in entries.items()}
    read = read_predictions(runs, "test")
    users, label, *_ = read["DCN"]
    aucs = {m: np.array([roc_auc_score(label, score) for score in read[m].scores]) for m in METHODS}
    for method, (_, _, against, _) in METHODS.items():
        found = row(study, method)
        assert found["status"] == "measured"
        assert found["auc"] == pytest.approx(aucs[method].mean())
        assert found["auc_std"] == pytest.approx(aucs[method].std(ddof=1))
        assert found["auc_low"] < found["auc"] < found["auc_high"]
        if against is None:
            assert found["delta_auc"] is found["p_delong"] is found["mark"] is None
            continue
        raw = paired_bootstrap(users, label, read[method].scores, read[against].scores, 100)
        calibrated = paired_bootstrap(users, label, read[method].calibrated, read[against].calibrated, 100)
        for metric, pair in (
            ("auc", raw.auc),
            ("logloss", raw.logloss),
            ("calibrated_logloss", calibrated.logloss),
        ):
            assert tuple(found[f"delta_{metric}{e}"] for e in ("", "_low", "_high")) == pytest.approx(pair)
    assert row(study, "UserIP-DCN")["mark"] == "better"
    assert row(study, "UserIP-DCN")["auc_improvement"] == pytest.approx(
        (aucs["UserIP-DCN"].mean() - 0.5) / (aucs["DCN"].mean() - 0.5) - 1
    )


@pytest.mark.parametrize(("seeds", "mark"), [(5, "better"), (4, "open"), (1, "open")])
def test_a_gain_of_fewer_seeds_than_a_claim_takes_has_no_mark(entries, tmp_path, seeds, mark):
    few = {method: entry._replace(runs=entry.runs[:seeds]) for method, entry in entries.items()}
    study = judge(few, tmp_path)
    assert row(study, "UserIP-DCN")["mark"] == mark
    assert row(study, "UserIP-DCN")["delta_auc_low"] > 0
    assert ("▲" in str(block_sheet(study.blocks[0]).groups)) == (seeds == 5)


def test_holm_corrects_within_the_group_of_the_block(entries, tmp_path):
    study = judge(entries, tmp_path)
    label = read_predictions({"a": [tmp_path / "DCN" / "0"]}, "test")["a"].label

    def p(method, against):
        read = read_predictions(
            {n: [tmp_path / n / str(s) for s in range(SEEDS)] for n in (method, against)}, "test"
        )
        return ttest_rel(
            *([roc_auc_score(label, s) for s in read[n].scores] for n in (method, against))
        ).pvalue

    small, large = sorted([p("UserIP-DCN", "DCN"), p("UserIP-PNN", "PNN")])
    found = sorted(row(study, method)["p_t"] for method in ("UserIP-DCN", "UserIP-PNN"))
    assert found == pytest.approx([2 * small, max(2 * small, large)])


def test_codes_are_judged_against_their_network_and_its_controls(entries, tmp_path):
    dcn, pnn = judge(entries, tmp_path).blocks[0].verdicts
    assert "beat every control (DCN + shuffled and DCN + SVD)" in dcn.sentence
    assert (dcn.controls, dcn.best_control) == (2, "DCN + SVD")
    assert dcn.contrasts["against"].to_list() == ["DCN", "DCN + shuffled", "DCN + SVD"]
    assert (pnn.controls, pnn.best_control) == (0, None)
    assert pnn.sentence.startswith("The codes hurt: -0.0")


def test_the_calibrated_logloss_of_the_codes_is_held_against_the_click_rate(entries, write, log, tmp_path):
    for seed in range(SEEDS):
        write("UserIP-DCN", seed, 6.0)
    sure = judge(entries, tmp_path)
    found = row(sure, "UserIP-DCN")
    assert found["calibrated_logloss"] < found["base_rate_logloss"] < found["logloss"]
    assert sure.blocks[0].verdicts[0].gain
    val = pl.col("split") == "val"
    for seed in range(SEEDS):  # labels of validation rows that no score tells, at another click rate
        drawn = (pl.col("row_id") // 2 % 4 == 0).cast(pl.Int8)
        label = pl.when(val).then(drawn).otherwise(pl.col("label"))
        for method in METHODS:
            write(method, seed, METHODS[method][3], rows=log.with_columns(label=label))
    moved = judge(entries, tmp_path)
    assert "but their calibrated Logloss of" in moved.blocks[0].verdicts[0].sentence
    assert not moved.blocks[0].verdicts[0].gain


def test_only_controls_of_as_many_bits_count(entries, tmp_path):
    sized = {
        "UserIP-DCN": entries["UserIP-DCN"]._replace(sizes={"hobby": 4, "background": 4}),
        "DCN + shuffled": entries["DCN + shuffled"]._replace(sizes={"hobby": 16}),
        "DCN + SVD": entries["DCN + SVD"]._replace(sizes={"hobby": 4, "background": 3}),
    }
    found = judge(entries | sized, tmp_path).blocks[0].verdicts[0]
    assert (found.controls, found.best_control) == (1, "DCN + shuffled")
    profiles = {"UserIP-DCN": entries["UserIP-DCN"]._replace(sizes={})}  # vectors, which are not in bits
    found = judge(entries | profiles, tmp_path).blocks[0].verdicts[0]
    assert (found.controls, found.gain) == (0, False)


def test_a_control_that_was_asked_for_and_is_missing_leaves_no_gain(entries, tmp_path):
    assert judge(entries, tmp_path).blocks[0].verdicts[0].gain
    lost = entries["DCN + SVD"]._replace(runs=(), failed="out of memory.")
    found = judge(entries | {"DCN + SVD": lost}, tmp_path).blocks[0].verdicts[0]
    assert "but DCN + SVD was not measured, so no gain is claimed" in found.sentence
    assert not found.gain
    empty = lost._replace(failed=None, not_run="it would repeat the codes.", left_out=True)
    other = entries["DCN + shuffled"]._replace(control="count_mixture")
    changed = entries | {"DCN + SVD": empty, "DCN + shuffled": other}
    assert judge(changed, tmp_path).blocks[0].verdicts[0].gain


def test_one_row_per_user_and_one_user_less_do_no_harm(entries, tmp_path, write, log):
    alone = log.with_columns(user_id=pl.col("row_id").cast(pl.String))
    for method, (*_, signal) in METHODS.items():
        for seed in range(SEEDS):
            write(method, seed, signal, rows=alone)
    study = judge(entries, tmp_path)
    assert study.blocks[0].users == study.blocks[0].rows == 400
    found = row(study, "UserIP-DCN")
    assert found["p_delong_users"] == pytest.approx(found["p_delong"], rel=0.2)


def test_what_failed_or_was_not_run_takes_nothing_with_it(entries, tmp_path, write, log):
    write("DCN + SVD", 1, 0.45, rows=log.head(700))  # judged on other rows
    write("biased MF", 2, 0.4, data_hash="other")
    poisoned = tmp_path / "PNN" / "0" / "predictions.parquet"
    rows = pl.read_parquet(poisoned).with_columns(score=pl.lit(float("nan"), pl.Float32))
    rows.write_parquet(poisoned)
    forge(poisoned.parent)
    changed = {
        "KAR": Entry("games", "random", "ids", "KAR", "llm", None, None, (), not_run="needs Llama-2-7B."),
        "FFM": Entry("games", "random", "ids", "FFM", "network", "FFM", None, (), failed="loss is NaN."),
        "UserIP-PNN": entries["UserIP-PNN"]._replace(runs=("UserIP-PNN/0",)),
        "lost": entries["DCN"]._replace(method="lost", runs=("nowhere/0", "nowhere/1", "nowhere/2")),
    }
    study = judge(entries | changed, tmp_path)
    expected = {
        "DCN + SVD": "DCN + SVD/1/predictions.parquet: its test rows differ",
        "biased MF": "biased MF/2: made from data other",
        "PNN": "has score nan",
        "FFM": "loss is NaN.",
        "UserIP-PNN": "1 of 5 seeds are there",
        "lost": "nowhere/0: no ctr artifact here",
    }
    for method, reason in expected.items():
        found = row(study, method)
        assert (found["status"], found["auc"]) == ("failed", None)
        assert reason in found["reason"]
        assert str(tmp_path) not in found["reason"]
    assert (row(study, "KAR")["status"], row(study, "KAR")["reason"]) == ("not run", "needs Llama-2-7B.")
    assert row(study, "UserIP-DCN")["mark"] == "better"
    dcn, pnn = study.blocks[0].verdicts
    assert dcn.best_control == "DCN + shuffled"
    assert "DCN + SVD was not measured" in dcn.sentence
    assert pnn.sentence == "UserIP-PNN cannot be judged: it was not measured."


@pytest.mark.parametrize(("split", "labels"), [("test", 1), ("val", 0)])
def test_one_class_fails_with_a_sentence(entries, tmp_path, write, log, split, labels):
    one = pl.when(pl.col("split") == split).then(labels).otherwise(pl.col("label")).cast(pl.Int8)
    for seed in range(SEEDS):
        write("DCN", seed, 0.2, rows=log.with_columns(label=one))
    found = row(judge(entries, tmp_path), "DCN")
    assert f"the {split} rows have the labels {{{labels}}}, but AUC needs 0 and 1 and both" in found["reason"]
    assert row(judge(entries, tmp_path), "UserIP-DCN")["delta_auc"] is None


def test_nothing_measured_is_still_a_study(tmp_path):
    missing = Entry("yelp", "random", "ids", "DCN", "network", "DCN", None, (), not_run="no data.")
    study = judge_study([missing], tmp_path)
    assert study.blocks[0].base_rate_logloss is None
    assert row(study, "DCN")["paper_auc"] == 0.7259
    assert judge_study([], tmp_path).blocks == ()


def test_the_papers_figure_stands_beside_ours_with_the_difference(entries, tmp_path):
    found = row(judge(entries, tmp_path), "DCN")
    assert (found["paper_auc"], found["paper_logloss"]) == (0.7317, 0.7744)
    assert found["auc_over_paper"] == pytest.approx(found["auc"] - 0.7317)
    assert row(judge(entries, tmp_path), "biased MF")["paper_auc"] is None


def test_blocks_are_judged_apart_and_contradictions_are_refused(entries, tmp_path):
    twice = [*entries.values(), *(e._replace(dataset="ml100k") for e in entries.values())]
    study = judge_study(twice, tmp_path, replicates=20)
    assert [block.name for block in study.blocks] == ["games / random / ids", "ml100k / random / ids"]
    assert study.table.height == 2 * len(METHODS)
    assert study.contrasts.select("dataset", "method").n_unique() == 4
    with pytest.raises(InputError, match="occurs twice"):
        judge_study([*entries.values(), entries["DCN"]], tmp_path)


def test_only_codes_that_a_control_was_trained_again_for_are_said_not_to_reach(entries, tmp_path):
    same = entries["UserIP-DCN"].runs
    entries["DCN + SVD"] = entries["DCN + SVD"]._replace(control="permuted_z", runs=same)
    (own, _) = judge(entries, tmp_path).blocks[0].verdicts
    assert "nothing shows that what a profile holds reaches the CTR model" in own.reach
    entries["UserIP-DCN"] = entries["UserIP-DCN"]._replace(codes="UserIP-gpt2")
    (further, _) = judge(entries, tmp_path).blocks[0].verdicts
    assert (further.controls, further.reach) == (0, "")


def test_further_codes_are_held_against_controls_that_do_not_stem_from_the_first(entries, tmp_path):
    sizes = entries["UserIP-DCN"].sizes
    for method in ("DCN + SVD", "DCN + shuffled"):
        entries[method] = entries[method]._replace(sizes=sizes)
    entries["UserIP-DCN"] = entries["UserIP-DCN"]._replace(codes="UserIP-gpt2")
    (further, _) = judge(entries, tmp_path).blocks[0].verdicts
    assert (further.controls, further.best_control) == (1, "DCN + SVD")
