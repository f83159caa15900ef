import numpy as np
import polars as pl
import pytest
from sklearn.metrics import adjusted_rand_score

from tests.controls.test_simple import planted
from userip_lightning.controls.mixtures import bag_of_words_mixture, count_mixture
from userip_lightning.data.labels import Implicit, RatingThreshold
from userip_lightning.data.prepared import PreparedData


@pytest.fixture(scope="module")
def implicit(tmp_path_factory: pytest.TempPathFactory) -> PreparedData:
    return planted(tmp_path_factory.mktemp("cache"), Implicit())


@pytest.fixture(scope="module")
def explicit(tmp_path_factory: pytest.TempPathFactory) -> PreparedData:
    return planted(tmp_path_factory.mktemp("cache"), RatingThreshold())


def with_events(data: PreparedData, events: pl.DataFrame) -> PreparedData:
    return PreparedData(data.path, data.manifest, events, data.items, data.users)


@pytest.mark.parametrize("control", [count_mixture, bag_of_words_mixture])
def test_a_mixture_finds_the_users_hobbies(implicit: PreparedData, control) -> None:
    codes = control(implicit, (2, 2), 0)
    assert codes.shape == (150, 1)
    assert codes.dtype == np.int64
    assert adjusted_rand_score(implicit.users["hobby"].to_list(), codes[:, 0]) > 0.5


@pytest.mark.parametrize("control", [count_mixture, bag_of_words_mixture])
def test_neither_negatives_nor_judged_rows_are_read(implicit: PreparedData, control) -> None:
    kept = implicit.events.filter(pl.col("logged") & ~pl.col("split").is_in(["val", "test"]))
    assert np.array_equal(control(implicit, (2, 2), 0), control(with_events(implicit, kept), (2, 2), 0))


def test_an_explicit_log_is_read_with_its_labels_and_not_those_of_judged_rows(explicit: PreparedData) -> None:
    codes = count_mixture(explicit, (2, 2), 0)
    judged = pl.col("split").is_in(["val", "test"])
    flipped, trained = (
        explicit.events.with_columns(label=pl.when(which).then(1 - pl.col("label")).otherwise("label"))
        for which in (judged, ~judged & (pl.col("user") < 75))
    )
    assert np.array_equal(codes, count_mixture(with_events(explicit, flipped), (2, 2), 0))
    assert not np.array_equal(codes, count_mixture(with_events(explicit, trained), (2, 2), 0))


def test_words_change_the_classes_of_an_explicit_log(explicit: PreparedData) -> None:
    assert not np.array_equal(bag_of_words_mixture(explicit, (2, 2), 0), count_mixture(explicit, (2, 2), 0))


def test_more_codes_than_classes_can_be_learned_take_the_form_of_the_engines_codes(
    implicit: PreparedData, explicit: PreparedData
) -> None:
    codes = count_mixture(implicit, (5, 4), 0)
    assert codes.shape == (150, 2)
    assert (codes.max(axis=0) <= [4, 3]).all()
    assert count_mixture(explicit, (5, 4), 0).shape == (150, 1)
