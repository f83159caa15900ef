from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.data.make_tiny import TINY
from userip_lightning.data.cold_items import ColdItems
from userip_lightning.data.labels import Implicit, Labels, RatingThreshold
from userip_lightning.data.preparation import Preparation
from userip_lightning.data.prepared import PreparedData
from userip_lightning.data.sources.movielens import MovieLens100K
from userip_lightning.data.sources.source import Source
from userip_lightning.data.sources.synthesize import Planted
from userip_lightning.errors import InputError

FILMS = MovieLens100K(str(TINY / "ml-100k"))
PLANTED = Planted(users=40, rows_per_user=14)


def quiet(_: str) -> None:
    """For runs whose report is not under test."""


def log(user: list[int], item: list[int]) -> pl.DataFrame:
    frame = pl.DataFrame({"user": user, "item": item}, schema={"user": pl.Int32, "item": pl.Int32})
    return frame.with_row_index("row_id").with_columns(logged=pl.lit(True), timestamp=pl.lit(0))


def prepared(folder: Path, source: Source, labels: Labels, fraction: float = 0.5) -> PreparedData:
    preparation = Preparation(source, k_core=1, labels=labels, split=ColdItems(fraction))
    return PreparedData.load(preparation.run(folder, quiet))


@pytest.fixture
def events() -> pl.DataFrame:
    """Forty users with ten of sixty items each."""
    rng = np.random.default_rng(7)
    met = np.concatenate([rng.permutation(60)[:10] for _ in range(40)])
    return log(np.repeat(np.arange(40), 10).tolist(), met.tolist())


def test_cold_items_judge_and_the_others_train(events: pl.DataFrame) -> None:
    rows = events.with_columns(ColdItems(0.3).assign(events, 0))
    sets = {name: set(part["item"]) for (name,), part in rows.group_by("split")}
    assert set(sets) == {"train", "val", "test"}
    assert not sets["train"] & (sets["val"] | sets["test"])
    assert len(sets["val"] | sets["test"]) == 18
    users = {name: set(part["user"]) for (name,), part in rows.group_by("split")}
    assert not users["val"] & users["test"]
    assert abs(len(users["val"]) - len(users["test"])) <= 1


def test_the_seed_decides(events: pl.DataFrame) -> None:
    assert ColdItems().assign(events, 1).equals(ColdItems().assign(events, 1))
    assert not ColdItems().assign(events, 1).equals(ColdItems().assign(events, 2))


def test_who_has_no_training_event_is_not_judged() -> None:
    """Users 0 to 3 met all four items, user 4 one: where that one is cold, they go."""
    events = log([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4], [0, 1, 2, 3] * 4 + [0])
    gone = 0
    for seed in range(8):
        rows = events.with_columns(ColdItems().assign(events, seed))
        kept = ColdItems().kept(rows, seed)
        cold = rows["split"][-1] != "train"
        assert kept[:-1].all()
        assert kept[-1] == (not cold)
        gone += cold
    assert 0 < gone < 8


@pytest.mark.parametrize(
    ("source", "labels"),
    [(FILMS, RatingThreshold()), (PLANTED, Implicit(2)), (PLANTED, Implicit(popularity="uniform"))],
)
def test_no_row_of_training_names_a_judged_item_nor_the_other_way(
    tmp_path: Path, source: Source, labels: Labels
) -> None:
    data = prepared(tmp_path, source, labels)
    trained, judged = (set(data.rows(*splits)["item"]) for splits in (("train",), ("val", "test")))
    assert trained
    assert judged
    assert not trained & judged
    assert set(data.rows("val", "test")["user"]) <= set(data.rows("train")["user"])
    assert data.events["label"].n_unique() == 2


def test_matched_negatives_of_judged_rows_are_judged_items(tmp_path: Path) -> None:
    data = prepared(tmp_path, PLANTED, Implicit())
    for splits in (("train",), ("val",), ("test",)):
        rows = data.rows(*splits)
        positives, negatives = rows.filter("logged"), rows.filter(~pl.col("logged"))
        assert negatives["item"].is_in(positives["item"].implode()).mean() > 0.9
        assert negatives.height > 0.8 * positives.height


def test_users_who_are_left_out_leave_no_negative_unmatched(tmp_path: Path) -> None:
    """Every item is as often negative as positive in its split, though one user in sixteen goes."""
    split = ColdItems()
    short = Planted(users=500, rows_per_user=4, items_per_topic=100)
    data = PreparedData.load(
        Preparation(short, k_core=1, labels=Implicit(), split=split).run(tmp_path, quiet)
    )
    assert data.n_users < 490
    assert not data.rows("support").height
    counts = data.events.group_by("split", "item").agg(pl.col("logged").sum(), all=pl.len())
    assert (2 * counts["logged"] == counts["all"]).mean() > 0.99


def test_what_is_left_out_stands_in_the_card(tmp_path: Path) -> None:
    data = prepared(tmp_path, PLANTED, Implicit(), fraction=0.8)
    assert (data.path / "card.md").read_text().count("| left out by ColdItems |") == 1


def test_what_cannot_be_done_is_said(events: pl.DataFrame) -> None:
    for fraction in (0.0, 1.0, -0.2, 1.5, 0.001):
        with pytest.raises(InputError, match=r"of 60 items cold; there must be cold and warm ones"):
            ColdItems(fraction).assign(events, 0)
    single = log([0, 1, 2, 3], [0, 1, 2, 3])
    with pytest.raises(InputError, match=r"on both cold and warm items: 0, at least 2 are needed"):
        ColdItems().assign(single, 0)
