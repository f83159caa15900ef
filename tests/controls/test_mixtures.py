import numpy as np
import polars as pl
import pytest
from sklearn.metrics import adjusted_rand_score

from userip_lightning.catalogue.em_search import Schedule
from userip_lightning.controls import mixtures
from userip_lightning.controls.affinity import AffinityJudge
from userip_lightning.controls.mixtures import EngineSettings, bag_of_words_mixture, count_mixture
from userip_lightning.data.prepared import PreparedData
from userip_lightning.errors import InputError


def with_events(data: PreparedData, events: pl.DataFrame) -> PreparedData:
    return PreparedData(data.path, data.manifest, events, data.items, data.users)


@pytest.mark.parametrize("control", [count_mixture, bag_of_words_mixture])
def test_a_mixture_finds_the_users_hobbies(implicit: PreparedData, control) -> None:
    codes = control(implicit, (2, 2), 0)
    assert codes.shape == (150, 1)
    assert codes.dtype == np.int64
    assert adjusted_rand_score(implicit.users["hobby"].to_list(), codes[:, 0]) > 0.5


def test_neither_negatives_nor_judged_rows_are_read(implicit: PreparedData) -> None:
    kept = implicit.events.filter(pl.col("logged") & ~pl.col("split").is_in(["val", "test"]))
    codes = count_mixture(implicit, (2, 2), 0)
    assert np.array_equal(codes, count_mixture(with_events(implicit, kept), (2, 2), 0))


def test_validation_rows_choose_the_width_of_the_words_and_nothing_else(
    implicit: PreparedData, monkeypatch: pytest.MonkeyPatch
) -> None:
    tested = pl.col("split") == "test"
    codes = bag_of_words_mixture(implicit, (2, 2), 0)
    assert np.array_equal(
        codes, bag_of_words_mixture(with_events(implicit, implicit.events.filter(~tested)), (2, 2), 0)
    )
    offered: list[np.ndarray] = []

    def remember(_: AffinityJudge, candidate: np.ndarray) -> float:
        offered.append(candidate)
        return 0.5

    monkeypatch.setattr(AffinityJudge, "auc", remember)
    monkeypatch.setattr(mixtures, "WIDTHS", (1, 2))
    unknown = implicit.events.filter(pl.col("split") != "val")
    for data in (implicit, with_events(implicit, unknown)):
        bag_of_words_mixture(data, (2, 2), 0)
    assert len(offered) == 4
    assert all(np.array_equal(*pair) for pair in zip(offered[:2], offered[2:], strict=True))
    monkeypatch.setattr(
        AffinityJudge, "auc", lambda _, candidate: float(np.array_equal(candidate, offered[1]))
    )
    assert np.array_equal(bag_of_words_mixture(implicit, (2, 2), 0), offered[1])


def test_a_mixture_has_the_settings_of_the_engine(implicit: PreparedData) -> None:
    plain = bag_of_words_mixture(implicit, (2, 2), 0)
    for settings in (
        EngineSettings(columns=["title"]),
        EngineSettings(strength=300.0),
        EngineSettings(schedule=Schedule(1, 2, 3)),
    ):
        assert not np.array_equal(plain, bag_of_words_mixture(implicit, (2, 2), 0, settings))
    assert count_mixture(implicit, (5, 4), 0, EngineSettings(codebooks="joint")).shape == (150, 1)
    with pytest.raises(InputError, match="the items have no column 'brand'"):
        bag_of_words_mixture(implicit, (2, 2), 0, EngineSettings(columns=["brand"]))


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
    assert count_mixture(explicit, (3, 3, 2), 0).shape == (150, 3)
