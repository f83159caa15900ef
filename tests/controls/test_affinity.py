from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from tests.controls.test_simple import planted
from userip_lightning.controls.affinity import Affinity, AffinityJudge, counted_fields
from userip_lightning.data.labels import Implicit, Labels, RatingThreshold
from userip_lightning.data.prepared import PreparedData


@pytest.fixture(scope="module", params=[Implicit(), RatingThreshold()], ids=["implicit", "explicit"])
def data(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> PreparedData:
    labels: Labels = request.param
    return planted(tmp_path_factory.mktemp("cache"), labels)


def hobbies(data: PreparedData) -> np.ndarray:
    """[U, 1]."""
    return data.users["hobby"].rank("dense").to_numpy().astype(np.int64)[:, None] - 1


def flipped(data: PreparedData, split: str) -> PreparedData:
    label = pl.when(pl.col("split") == split).then(1 - pl.col("label")).otherwise("label")
    events = data.events.with_columns(label=label)
    return PreparedData(data.path, data.manifest, events, data.items, data.users)


def test_true_hobbies_are_told_from_codes_without_meaning(data: PreparedData) -> None:
    judge, codes = AffinityJudge(data), hobbies(data)
    nobody = np.random.default_rng(0).permutation(codes)
    assert judge.auc(codes) > judge.auc(nobody) + 0.1
    assert judge.auc(codes) == AffinityJudge(data).auc(codes)


def test_validation_rows_judge_and_test_rows_are_never_read(data: PreparedData) -> None:
    codes = hobbies(data)
    auc = AffinityJudge(data).auc(codes)
    assert AffinityJudge(flipped(data, "test")).auc(codes) == auc
    assert AffinityJudge(flipped(data, "val")).auc(codes) == pytest.approx(1 - auc)


def test_popularity_is_no_merit_of_codes(tmp_path: Path) -> None:
    """Where all users of an implicit log are alike, all items are, also where often met ones are liked."""
    data = planted(tmp_path, Implicit())
    met = np.bincount(data.rows("train", "support").filter("logged")["item"].to_numpy(), minlength=80)
    often = pl.Series(met > np.median(met)).cast(pl.Int8).gather(data.events["item"])
    events = data.events.with_columns(label=pl.when(pl.col("split") == "val").then(often).otherwise("label"))
    judge = AffinityJudge(PreparedData(data.path, data.manifest, events, data.items, data.users))
    assert judge.auc(np.zeros((data.n_users, 1), dtype=np.int64)) == pytest.approx(0.5, abs=0.01)


def test_labels_that_are_all_alike_say_nothing(data: PreparedData) -> None:
    events = data.events.filter((pl.col("split") != "val") | (pl.col("label") == 1))
    alike = PreparedData(data.path, data.manifest, events, data.items, data.users)
    assert AffinityJudge(alike).auc(hobbies(data)) == 0.5


def test_words_tell_what_items_are_that_nobody_met(data: PreparedData) -> None:
    codes = hobbies(data)[:, 0]
    met = np.isin(np.arange(data.n_items), data.rows("train", "support")["item"].unique())
    unseen = data.events.filter(~((pl.col("item") % 5 == 0) & pl.col("split").is_in(["train", "support"])))
    cold = PreparedData(data.path, data.manifest, unseen, data.items, data.users)
    topic = data.items["genres"]
    topics = topic.to_dummies().to_numpy().astype(np.float64)
    fives = (np.arange(data.n_items) % 5 == 0) & met
    by_counts = AffinityJudge(cold).odds(codes)[fives]
    by_text = AffinityJudge(cold, topics).odds(codes)[fives]
    assert np.ptp(by_counts, axis=0).max() < 1e-6  # all such items are alike
    wanted = topic.rank("dense").to_numpy().astype(np.int64) - 1
    assert (by_text.argmax(axis=1) == wanted[fives]).mean() > 0.9


def test_few_combinations_are_counted_one_by_one_and_many_by_profile() -> None:
    codes = np.array([[0, 2], [1, 0], [1, 1]])
    assert np.array_equal(counted_fields(codes, (2, 3)), [[2], [3], [4]])
    assert np.array_equal(counted_fields(codes, (20, 30)), codes)
    assert np.array_equal(counted_fields(codes, (500, 600)), codes)  # more than additive codes may have
    assert np.array_equal(counted_fields(codes[:, :1], (20,)), codes[:, :1])


def test_log_odds_of_several_fields_add_up(data: PreparedData) -> None:
    codes = np.hstack([hobbies(data), hobbies(data)[::-1]])
    judge, user, item = AffinityJudge(data), np.array([3, 9]), np.array([5, 70])
    wanted = sum(judge.odds(field)[item, field[user]] for field in codes.T)
    np.testing.assert_array_equal(Affinity(judge.odds, codes).of(user, item), wanted)
    rows = data.rows("val")
    rows_score = Affinity(judge.odds, codes).of(rows["user"].to_numpy(), rows["item"].to_numpy())
    assert judge.auc(codes) == roc_auc_score(rows["label"], rows_score)
