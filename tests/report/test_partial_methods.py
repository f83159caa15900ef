"""Methods that were judged on some rows or seeds of their block alone."""

import warnings
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import ttest_rel
from sklearn.metrics import log_loss, roc_auc_score

from userip_lightning.errors import InputError
from userip_lightning.report.entries import Entry
from userip_lightning.report.judge import judge_study
from userip_lightning.report.partial_methods import Judged, expect_part, restrict, union
from userip_lightning.report.predictions import Rows, Validation, read_run
from userip_lightning.report.statistics.bootstrap import paired_bootstrap
from userip_lightning.report.statistics.calibration import calibrated_scores
from userip_lightning.report.statistics.delong import delong_test, placements
from userip_lightning.report.statistics.metrics import base_rate_logloss, normalised_entropy

REPLICATES = 100


def rows(row_id, label=None, users=None, data_hash="d"):
    row_id = np.array(row_id)
    return Rows(
        data_hash,
        row_id,
        np.array([f"u{i // 2}" for i in row_id] if users is None else users),
        np.array(row_id % 2 if label is None else label, dtype=np.int8),
    )


def judged(row_id, scores, known=(20, 21, 22, 23)):
    """Validation rows ``known`` have the same scores in all methods and seeds."""
    ids = np.array(known)
    validation = Validation(ids, (ids % 3 == 0).astype(np.int8), (ids - 15) / 10)
    return Judged(rows(row_id), np.array(scores), (validation,) * len(scores))


def test_a_counterpart_is_taken_row_by_row_and_from_the_first_seeds():
    whole = judged([1, 4, 5, 8, 9], [[0.1, 0.4, 0.5, 0.8, 0.9], [0.2] * 5])
    part = judged([4, 9], [[0.7, 0.6]])
    found = restrict(whole, part)
    assert found.users.tolist() == ["u2", "u4"]
    assert found.label.tolist() == [0, 1]
    assert found.scores.tolist() == [[0.4, 0.9]]
    validation = part.validations[0]
    expected = calibrated_scores(validation.score, validation.label, np.array([0.4, 0.9]))
    np.testing.assert_array_equal(found.calibrated, [expected])
    assert restrict(part, whole) is None  # fewer rows
    assert restrict(part, judged([4], [[0.0], [0.0]])) is None  # fewer seeds
    assert restrict(part, judged([4], [[0.0]])).scores.tolist() == [[0.7]]


def test_a_counterpart_is_calibrated_on_the_validation_rows_of_the_part():
    whole = judged([1, 4, 5], [[0.1, 0.4, 0.5]])
    part = judged([4, 5], [[0.3, 0.2]], known=(20, 21, 22))
    found = restrict(whole, part)
    few = part.validations[0]
    np.testing.assert_array_equal(found.calibrated[0], few.calibrate(np.array([0.4, 0.5])))
    assert not np.allclose(found.calibrated[0], whole.predictions.calibrated[0, 1:], atol=0.01)
    assert restrict(whole, judged([4, 5], [[0.3, 0.2]], known=(20, 21, 99))) is None


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (rows([4, 7]), "its test row_id 7 is not among the 5 rows of the other runs"),
        (rows([4, 5], label=[0, 0]), "its test row_id 5 has another user or label"),
        (rows([4, 5], users=["u3", "u2"]), "its test row_id 4 has another user or label"),
        (rows([4], data_hash="e"), "made from data e, but the other runs are made from data d"),
    ],
)
def test_what_is_no_part_is_refused_in_one_sentence(part, message):
    whole = rows([1, 4, 5, 8, 9])
    expect_part(Path("run"), rows([4, 9]), whole, "test")
    with pytest.raises(InputError, match="run") as caught:
        expect_part(Path("run"), part, whole, "test")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_union_has_every_row_once_in_order():
    found = union([rows([5, 9]), rows([1, 5]), rows([4])])
    assert found.row_id.tolist() == [1, 4, 5, 9]
    assert found.users.tolist() == ["u0", "u2", "u2", "u4"]
    assert found.label.tolist() == [1, 0, 1, 1]


def judge(entries, root):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return judge_study([*entries], root, replicates=REPLICATES)


def row(study, method):
    return study.table.row(by_predicate=pl.col("method") == method, named=True)


def scores(root, method, seeds, kept=None):
    """Users, labels and [S, N] scores of the test rows, restricted to ``kept`` ids."""
    found = []
    for seed in range(seeds):
        table = pl.read_parquet(root / method / str(seed) / "predictions.parquet")
        table = table.filter(pl.col("split") == "test").sort("row_id")
        found.append(table if kept is None else table.filter(pl.col("row_id").is_in(kept)))
    stacked = np.stack([table["score"].to_numpy().astype(np.float64) for table in found])
    return found[0]["user_id"].to_numpy().astype(str), found[0]["label"].to_numpy(), stacked


@pytest.mark.parametrize("seeds", [1, 2])
def test_every_figure_of_a_part_is_that_of_the_restricted_predictions(rella, entries, tmp_path, seeds):
    entry, kept = rella(seeds)
    study = judge([*entries.values(), entry], tmp_path)
    found, block = row(study, "ReLLa"), study.blocks[0]
    users, label, ours = scores(tmp_path, "ReLLa", seeds)
    same_users, same_label, theirs = scores(tmp_path, "DCN", seeds, kept)
    assert (users.tolist(), label.tolist()) == (same_users.tolist(), same_label.tolist())
    aucs = np.array([[roc_auc_score(label, score) for score in method] for method in (ours, theirs)])
    losses = np.array([[log_loss(label, score) for score in method] for method in (ours, theirs)])
    assert (found["status"], found["part"], found["rows"], found["seeds"]) == ("measured", True, 150, seeds)
    assert (found["auc"], found["against_auc"]) == pytest.approx(tuple(aucs.mean(axis=1)))
    assert (found["logloss"], found["against_logloss"]) == pytest.approx(tuple(losses.mean(axis=1)))
    assert found["base_rate_logloss"] == pytest.approx(base_rate_logloss(label))
    expected = np.mean([normalised_entropy(label, score) for score in ours])
    assert found["normalised_entropy"] == pytest.approx(expected)
    pair = paired_bootstrap(users, label, ours, theirs, REPLICATES)
    assert tuple(found[f"delta_auc{end}"] for end in ("", "_low", "_high")) == pytest.approx(pair.auc)
    assert tuple(found[f"delta_logloss{end}"] for end in ("", "_low", "_high")) == pytest.approx(pair.logloss)
    delong = delong_test(placements(label, ours), placements(label, theirs))
    assert found["p_delong"] == pytest.approx(delong.p)
    assert found["p_t"] == (None if seeds == 1 else pytest.approx(ttest_rel(*aucs).pvalue))
    assert found["logloss_improvement"] == pytest.approx(losses[1].mean() / losses[0].mean() - 1)
    assert (block.rows, block.seeds) == (400, 5)
    assert row(study, "DCN")["base_rate_logloss"] == pytest.approx(block.base_rate_logloss)


def test_a_part_with_fewer_validation_rows_is_held_against_a_counterpart_with_the_same(
    rella, entries, write, log, tmp_path
):
    entry, kept = rella(1)
    few = log.filter(pl.col("split") == "val").head(60)
    tested = log.filter(pl.col("row_id").is_in(kept))
    write("ReLLa", 0, 1.2, rows=pl.concat([few, tested]))
    found = row(judge([*entries.values(), entry], tmp_path), "ReLLa")
    _, label, ours = scores(tmp_path, "ReLLa", 1)
    theirs = scores(tmp_path, "DCN", 1, kept)[2]

    def calibrated_loss(method, score):
        run = read_run(tmp_path / method / "0", "val")
        seen = np.isin(run.rows.row_id, few["row_id"].to_numpy())
        return log_loss(label, calibrated_scores(run.score[seen], run.rows.label[seen], score[0]))

    expected = calibrated_loss("ReLLa", ours) - calibrated_loss("DCN", theirs)
    assert found["delta_calibrated_logloss"] == pytest.approx(expected)


def test_a_part_leaves_every_other_row_as_it_was(rella, entries, tmp_path):
    entry, _ = rella(1)
    alone = judge(entries.values(), tmp_path).table
    beside = judge([entry, *entries.values()], tmp_path).table
    assert beside.filter(pl.col("method") != "ReLLa").equals(alone)


def test_parts_do_not_decide_what_rows_the_block_has(rella, entries, tmp_path):
    entry, _ = rella(2)
    many = [entry._replace(method=f"ReLLa {number}") for number in range(4)]
    study = judge([*many, entries["DCN"], entries["PNN"]], tmp_path)
    assert study.blocks[0].rows == 400
    assert study.table["status"].to_list() == ["measured"] * 6


def test_a_row_of_fewer_rows_or_seeds_that_is_no_part_fails_still(rella, entries, tmp_path):
    entry, _ = rella(5)
    fewer_seeds = entries["PNN"]._replace(runs=entries["PNN"].runs[:1])
    study = judge([*(entries | {"PNN": fewer_seeds}).values(), entry._replace(part=False)], tmp_path)
    assert "its test rows differ from those of the other runs" in row(study, "ReLLa")["reason"]
    assert "1 of 5 seeds are there" in row(study, "PNN")["reason"]
    assert row(study, "ReLLa")["rows"] is None


def test_a_part_with_other_rows_or_more_seeds_fails_and_takes_nothing_with_it(
    rella, entries, write, log, tmp_path
):
    entry, _ = rella(5)
    two = [each._replace(runs=each.runs[:2]) for each in entries.values()]
    assert (
        "5 seeds are there, but the other methods have 2"
        in row(judge([*two, entry], tmp_path), "ReLLa")["reason"]
    )
    strange = log.with_columns(row_id=pl.col("row_id") + 1000)
    write("ReLLa", 1, 0.5, rows=strange)
    study = judge([*entries.values(), entry], tmp_path)
    assert "its test rows differ" in row(study, "ReLLa")["reason"]  # from those of its first seed
    lone = entry._replace(runs=("ReLLa/1",))
    assert "not among the 400 rows" in row(judge([*entries.values(), lone], tmp_path), "ReLLa")["reason"]
    assert row(study, "UserIP-DCN")["mark"] == "better"


def test_a_counterpart_that_is_itself_a_part_must_cover_the_row(rella, entries, tmp_path):
    entry, kept = rella(2)
    smaller = entry._replace(method="smaller", runs=entry.runs[:1], against="ReLLa")
    study = judge([*entries.values(), entry, smaller], tmp_path)
    _, label, theirs = scores(tmp_path, "ReLLa", 1, kept)
    assert row(study, "smaller")["against_auc"] == pytest.approx(roc_auc_score(label, theirs[0]))
    assert row(study, "smaller")["delta_auc"] == 0
    larger = entries["DCN"]._replace(method="larger", against="ReLLa")
    found = row(judge([*entries.values(), entry, larger], tmp_path), "larger")
    assert (found["status"], found["delta_auc"], found["against_auc"]) == ("measured", None, None)


def test_codes_on_a_part_are_held_against_their_controls_there(entries, write, log, tmp_path):
    kept = log.filter((pl.col("split") == "val") | (pl.col("row_id") < 500))
    for seed in range(2):
        write("UserIP-DCN", seed, 1.2, rows=kept)
    ids = kept.filter(pl.col("split") == "test")["row_id"].to_list()
    codes = entries["UserIP-DCN"]._replace(runs=entries["UserIP-DCN"].runs[:2], part=True)
    svd = entries["DCN + SVD"]._replace(runs=entries["DCN + SVD"].runs[:1], part=True)
    study = judge([*(entries | {"UserIP-DCN": codes, "DCN + SVD": svd}).values()], tmp_path)
    found = study.blocks[0].verdicts[0]
    assert found.contrasts["against"].to_list() == ["DCN", "DCN + shuffled"]  # SVD has one seed alone
    users, label, ours = scores(tmp_path, "UserIP-DCN", 2)
    theirs = scores(tmp_path, "DCN + shuffled", 2, ids)[2]
    pair = paired_bootstrap(users, label, ours, theirs, REPLICATES)
    assert found.contrasts["delta_auc_low"][1] == pytest.approx(pair.auc.low)
    dcn = entries["DCN"]._replace(runs=entries["DCN"].runs[:1], part=True)
    sentence = (
        judge([*(entries | {"UserIP-DCN": codes, "DCN": dcn}).values()], tmp_path)
        .blocks[0]
        .verdicts[0]
        .sentence
    )
    assert sentence == "UserIP-DCN cannot be judged: DCN was measured on other rows or seeds."


def test_parts_alone_are_judged_on_their_own_rows(rella, write, log, tmp_path):
    entry, kept = rella(2)
    others = log.filter((pl.col("split") == "val") | (pl.col("row_id") > 600))
    write("PEPLER", 0, 0.6, rows=others)
    pepler = Entry(*entry.block, "PEPLER", "llm", None, "ReLLa", ("PEPLER/0",), part=True)
    study = judge([entry._replace(against=None), pepler], tmp_path)
    block = study.blocks[0]
    test_rows = others.filter(pl.col("split") == "test")["row_id"].to_list()
    assert block.rows == len({*kept, *test_rows})
    assert (block.seeds, study.table["seeds"].to_list()) == (2, [2, 1])
    _, label, found = scores(tmp_path, "PEPLER", 1)
    assert row(study, "PEPLER")["auc"] == pytest.approx(roc_auc_score(label, found[0]))
    assert row(study, "PEPLER")["against_auc"] is None
