from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import adjusted_rand_score

from tests.data.make_tiny import TINY
from userip_lightning.data.controls import generosity, random_codes, shuffled, svd_kmeans
from userip_lightning.data.histories import Histories
from userip_lightning.data.labels import Implicit, Labels, RatingThreshold
from userip_lightning.data.preparation import Preparation
from userip_lightning.data.prepared import PreparedData
from userip_lightning.data.splits import ColdUsers
from userip_lightning.data.synthesize import Planted
from userip_lightning.errors import InputError


def planted(cache: Path, labels: Labels) -> PreparedData:
    source = Planted(users=150, items_per_topic=20)
    split = ColdUsers(support=10)
    return PreparedData.load(Preparation(source, labels=labels, split=split).run(cache, lambda _: None))


@pytest.fixture(scope="module")
def rated(tmp_path_factory: pytest.TempPathFactory) -> PreparedData:
    return planted(tmp_path_factory.mktemp("cache"), RatingThreshold())


def test_shuffling_moves_whole_rows() -> None:
    codes = random_codes((4, 3), 200, seed=0)
    moved = shuffled(codes, seed=1)
    assert not np.array_equal(moved, codes)
    assert np.array_equal(np.sort(moved @ [10, 1]), np.sort(codes @ [10, 1]))
    assert np.array_equal(moved, shuffled(codes, seed=1))


def test_random_codes_fill_their_ranges_evenly() -> None:
    codes = random_codes((4, 3), 6000, seed=0)
    assert codes.dtype == np.int64
    assert codes.shape == (6000, 2)
    for p, size in enumerate((4, 3)):
        np.testing.assert_allclose(np.bincount(codes[:, p]) / 6000, 1 / size, atol=0.03)


def test_svd_kmeans_finds_what_collaboration_shows(rated: PreparedData) -> None:
    codes = svd_kmeans(rated, 12, seed=0)
    assert codes.shape == (150, 1)
    assert codes.dtype == np.int64
    assert np.unique(codes).size == 12
    hobby = rated.users["hobby"].to_list()
    assert adjusted_rand_score(hobby, codes[:, 0]) > 0.3
    assert abs(adjusted_rand_score(hobby, shuffled(codes, 0)[:, 0])) < 0.1
    assert np.array_equal(codes, svd_kmeans(rated, 12, seed=0))


def test_svd_kmeans_leaves_sampled_negatives_out(tmp_path: Path) -> None:
    data = planted(tmp_path, Implicit())
    codes = svd_kmeans(data, 4, seed=0)
    logged = PreparedData(data.path, data.manifest, data.events.filter("logged"), data.items, data.users)
    assert np.array_equal(codes, svd_kmeans(logged, 4, seed=0))


def test_svd_kmeans_ignores_how_a_purchase_was_rated(tmp_path: Path) -> None:
    data = planted(tmp_path, Implicit())
    rated = data.events.with_columns(rating=(pl.col("row_id") % 5 + 1).cast(pl.Float64))
    unrated = data.events.with_columns(rating=pl.lit(None, dtype=pl.Float64))
    first, second = (
        PreparedData(data.path, data.manifest, events, data.items, data.users) for events in (rated, unrated)
    )
    codes = svd_kmeans(first, 4, seed=0)
    assert np.array_equal(codes, svd_kmeans(second, 4, seed=0))
    assert adjusted_rand_score(data.users["hobby"].to_list(), codes[:, 0]) > 0.3


def test_generosity_orders_users_by_their_share_of_positives(rated: PreparedData) -> None:
    codes = generosity(rated, 4)
    assert codes.shape == (150, 1)
    rows = rated.rows("train").with_columns(code=pl.Series(codes[:, 0]).gather(rated.rows("train")["user"]))
    means = rows.group_by("code").agg(pl.col("label").mean()).sort("code")["label"]
    assert means.is_sorted()
    assert means.n_unique() == 4
    assert np.bincount(codes[:, 0]).min() >= 25


@pytest.mark.parametrize("control", ["svd_kmeans", "generosity"])
def test_controls_never_look_at_judged_rows(rated: PreparedData, control: str) -> None:
    judged = pl.col("split").is_in(["val", "test"])
    flipped = rated.events.with_columns(
        label=pl.when(judged).then(1 - pl.col("label")).otherwise("label"),
        rating=pl.when(judged).then(6 - pl.col("rating")).otherwise("rating"),
    )
    other = PreparedData(rated.path, rated.manifest, flipped, rated.items, rated.users)
    if control == "generosity":
        assert np.array_equal(generosity(rated, 4), generosity(other, 4))
    else:
        assert np.array_equal(svd_kmeans(rated, 12, 0), svd_kmeans(other, 12, 0))


def test_what_a_control_cannot_do_is_said(rated: PreparedData, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="150 users and 80 items are too few for 151 clusters"):
        svd_kmeans(rated, 151, seed=0)
    files = TINY / "histories"
    games = Histories(str(files / "histories.tsv.gz"), str(files / "items.tsv.gz"))
    data = PreparedData.load(Preparation(games, labels=Implicit()).run(tmp_path, lambda _: None))
    with pytest.raises(InputError, match="every user has the same share of positives"):
        generosity(data, 4)
