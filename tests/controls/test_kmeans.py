import numpy as np
import polars as pl
import pytest
from sklearn.metrics import adjusted_rand_score

from userip_lightning.controls import kmeans as kmeans_controls
from userip_lightning.controls.affinity import AffinityJudge
from userip_lightning.controls.choosing import Coding, best_coding
from userip_lightning.controls.kmeans import svd_kmeans, svd_text_kmeans, text_kmeans
from userip_lightning.controls.places import PlaceJudge
from userip_lightning.controls.simple import shuffled
from userip_lightning.data.prepared import PreparedData
from userip_lightning.errors import InputError

ALL = pytest.mark.parametrize("control", [svd_kmeans, text_kmeans, svd_text_kmeans])
TEXTUAL = pytest.mark.parametrize("control", [text_kmeans, svd_text_kmeans])


def with_events(data: PreparedData, events: pl.DataFrame) -> PreparedData:
    return PreparedData(data.path, data.manifest, events, data.items, data.users)


@ALL
@pytest.mark.parametrize("log", ["implicit", "explicit"])
def test_whole_users_are_clustered_by_their_hobby(request: pytest.FixtureRequest, log: str, control) -> None:
    data = request.getfixturevalue(log)
    codes = control(data, (12,), 0)
    assert codes.shape == (150, 1)
    assert codes.dtype == np.int64
    assert np.unique(codes).size == 12
    hobby = data.users["hobby"].to_list()
    assert adjusted_rand_score(hobby, codes[:, 0]) > 0.25
    assert abs(adjusted_rand_score(hobby, shuffled(codes, 0)[:, 0])) < 0.1
    assert np.array_equal(codes, control(data, (12,), 0))


@ALL
@pytest.mark.parametrize("log", ["implicit", "explicit"])
def test_no_control_looks_at_test_rows(request: pytest.FixtureRequest, log: str, control) -> None:
    data = request.getfixturevalue(log)
    test = pl.col("split") == "test"
    changed = data.events.with_columns(
        label=pl.when(test).then(1 - pl.col("label")).otherwise("label"),
        rating=pl.when(test).then(6 - pl.col("rating")).otherwise("rating"),
    )
    codes = control(data, (12,), 0)
    assert np.array_equal(codes, control(with_events(data, changed), (12,), 0))
    assert np.array_equal(codes, control(with_events(data, data.events.filter(~test)), (12,), 0))


@ALL
@pytest.mark.parametrize("sizes", [(4,), (6, 5)], ids=["clusters", "additive"])
def test_validation_rows_choose_among_codings_that_do_not_know_them(
    implicit: PreparedData, control, sizes: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    offered: list[list[Coding]] = []

    def first(_: PreparedData, candidates) -> np.ndarray:
        offered.append(list(candidates))
        return offered[-1][0].codes

    monkeypatch.setattr(kmeans_controls, "best_coding", first)
    unknown = implicit.events.filter(pl.col("split") != "val")
    for data in (implicit, with_events(implicit, unknown)):
        control(data, sizes, 0)
    assert len(offered[0]) > 4
    assert all(np.array_equal(one.codes, other.codes) for one, other in zip(*offered, strict=True))


@ALL
@pytest.mark.parametrize(
    ("judge", "sizes"), [(AffinityJudge, (12,)), (PlaceJudge, (6, 5))], ids=["clusters", "additive"]
)
def test_the_choice_is_the_best_for_validation_rows(
    implicit: PreparedData, control, judge, sizes: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    offered: list[Coding] = []

    def remember(data: PreparedData, candidates) -> np.ndarray:
        offered.extend(candidates)
        return best_coding(data, offered)

    monkeypatch.setattr(kmeans_controls, "best_coding", remember)
    codes = control(implicit, sizes, 0)
    found = [judge(implicit).auc(one.codes if one.places is None else one.places) for one in offered]
    assert np.array_equal(codes, offered[int(np.argmax(found))].codes)
    assert max(found) > min(found)


@ALL
def test_sampled_negatives_stay_out(implicit: PreparedData, control, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = pl.col("logged") | (pl.col("split") == "val")
    logged = with_events(implicit, implicit.events.filter(seen))
    assert np.array_equal(control(implicit, (4,), 0), control(logged, (4,), 0))


def test_how_a_purchase_was_rated_does_not_count(implicit: PreparedData) -> None:
    stars = implicit.events.with_columns(rating=(pl.col("row_id") % 5 + 1).cast(pl.Float64))
    none = implicit.events.with_columns(rating=pl.lit(None, dtype=pl.Float64))
    codes = svd_kmeans(with_events(implicit, stars), (4,), 0)
    assert np.array_equal(codes, svd_kmeans(with_events(implicit, none), (4,), 0))
    assert adjusted_rand_score(implicit.users["hobby"].to_list(), codes[:, 0]) > 0.3


def test_words_of_disliked_items_do_not_count(explicit: PreparedData) -> None:
    liked = explicit.events.filter((pl.col("label") == 1) | (pl.col("user") == 0))  # user 0 keeps it explicit
    codes = text_kmeans(explicit, (4,), 0)[1:, 0]
    assert adjusted_rand_score(codes, text_kmeans(with_events(explicit, liked), (4,), 0)[1:, 0]) == 1.0


@TEXTUAL
def test_attributes_are_read_where_there_is_no_text_column(implicit: PreparedData, control) -> None:
    text = pl.concat_str("title", "genres", separator=" ", ignore_nulls=True)
    joined = implicit.items.select("item_id", "item", title=pl.lit("x"), text=text)
    apart = implicit.items.select("item_id", "title", "genres", "item")
    first, second = (
        PreparedData(implicit.path, implicit.manifest, implicit.events, items, implicit.users)
        for items in (joined, apart)
    )
    assert np.array_equal(control(first, (4,), 0), control(second, (4,), 0))


@TEXTUAL
def test_other_words_make_other_clusters(implicit: PreparedData, control) -> None:
    said = implicit.items.select("title", "genres").sample(fraction=1.0, shuffle=True, seed=0)
    items = implicit.items.select("item_id", "item").hstack(said)
    other = PreparedData(implicit.path, implicit.manifest, implicit.events, items, implicit.users)
    assert not np.array_equal(control(implicit, (4,), 0), control(other, (4,), 0))


@TEXTUAL
def test_items_without_text_are_refused(implicit: PreparedData, control) -> None:
    items = implicit.items.select("item_id", "item", title=pl.lit(None, dtype=pl.String))
    data = PreparedData(implicit.path, implicit.manifest, implicit.events, items, implicit.users)
    with pytest.raises(InputError, match=rf"{control.__name__} cannot be made; .* give the items titles"):
        control(data, (4,), 0)


@ALL
def test_more_than_sixteen_combinations_are_additive_codes(explicit: PreparedData, control) -> None:
    codes = control(explicit, (6, 5), 0)
    assert codes.shape == (150, 2)
    assert codes.dtype == np.int64
    assert (codes.max(axis=0) <= [5, 4]).all()
    assert len(np.unique(codes, axis=0)) > 6
    assert np.array_equal(codes, control(explicit, (6, 5), 0))


@ALL
def test_more_clusters_than_users_are_refused(explicit: PreparedData, control) -> None:
    named = rf"{control.__name__} cannot be made; 150 users and 80 items are too few for 151 clusters"
    with pytest.raises(InputError, match=named):
        control(explicit, (151,), 0)
