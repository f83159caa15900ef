import numpy as np
import polars as pl
import pytest
from scipy.stats import ortho_group

from tests.controls.test_affinity import flipped, hobbies
from userip_lightning.controls.places import PlaceJudge
from userip_lightning.data.prepared import PreparedData


def places_of(data: PreparedData) -> np.ndarray:
    """[U, D], a corner for every hobby."""
    hobby = hobbies(data)[:, 0]
    return np.eye(hobby.max() + 1)[hobby]


def test_places_of_true_hobbies_are_told_from_those_of_others(implicit: PreparedData) -> None:
    places = places_of(implicit)
    auc = PlaceJudge(implicit).auc(places)
    assert auc > 0.7
    assert PlaceJudge(implicit).auc(np.random.default_rng(0).permutation(places)) == pytest.approx(
        0.5, abs=0.05
    )
    assert PlaceJudge(implicit).auc(places) == auc


def test_where_the_axes_lie_and_what_their_units_are_does_not_matter(implicit: PreparedData) -> None:
    places = places_of(implicit)[:, 1:]
    turned = 5.0 + 3.0 * places @ ortho_group(places.shape[1], seed=0).rvs()
    assert PlaceJudge(implicit).auc(turned) == pytest.approx(PlaceJudge(implicit).auc(places), abs=1e-6)


def test_validation_rows_judge_and_test_rows_are_never_read(implicit: PreparedData) -> None:
    places = places_of(implicit)
    auc = PlaceJudge(implicit).auc(places)
    assert PlaceJudge(flipped(implicit, "test")).auc(places) == auc
    assert PlaceJudge(flipped(implicit, "val")).auc(places) == pytest.approx(1 - auc)
    positive = implicit.events.filter((pl.col("split") != "val") | (pl.col("label") == 1))
    alike = PreparedData(implicit.path, implicit.manifest, positive, implicit.items, implicit.users)
    assert PlaceJudge(alike).auc(places) == 0.5


def test_users_who_are_all_alike_say_nothing(implicit: PreparedData) -> None:
    assert PlaceJudge(implicit).auc(np.ones((implicit.n_users, 3))) == 0.5
