from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.data.make_tiny import TINY
from userip_lightning.controls.simple import generosity, random_codes, shuffled
from userip_lightning.data.labels import Implicit, Labels, RatingThreshold
from userip_lightning.data.preparation import Preparation
from userip_lightning.data.prepared import PreparedData
from userip_lightning.data.sources.histories import Histories
from userip_lightning.data.sources.synthesize import Planted
from userip_lightning.data.splits import ColdUsers
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


def test_generosity_orders_users_by_their_share_of_positives(rated: PreparedData) -> None:
    codes = generosity(rated, 4)
    assert codes.shape == (150, 1)
    rows = rated.rows("train").with_columns(code=pl.Series(codes[:, 0]).gather(rated.rows("train")["user"]))
    means = rows.group_by("code").agg(pl.col("label").mean()).sort("code")["label"]
    assert means.is_sorted()
    assert means.n_unique() == 4
    assert np.bincount(codes[:, 0]).min() >= 25


def test_generosity_never_looks_at_judged_rows(rated: PreparedData) -> None:
    judged = pl.col("split").is_in(["val", "test"])
    flipped = rated.events.with_columns(label=pl.when(judged).then(1 - pl.col("label")).otherwise("label"))
    other = PreparedData(rated.path, rated.manifest, flipped, rated.items, rated.users)
    assert np.array_equal(generosity(rated, 4), generosity(other, 4))


def test_what_a_control_cannot_do_is_said(tmp_path: Path) -> None:
    files = TINY / "histories"
    games = Histories(str(files / "histories.tsv.gz"), str(files / "items.tsv.gz"))
    data = PreparedData.load(Preparation(games, labels=Implicit()).run(tmp_path, lambda _: None))
    with pytest.raises(InputError, match="every user has the same share of positives"):
        generosity(data, 4)
