"""A thinner log: fewer users in training, fewer shown events, and the same rows to judge cold users."""

import json
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest

from tests.data.make_tiny import TINY
from userip_lightning.data.labels import Implicit, Labels, RatingThreshold
from userip_lightning.data.preparation import Preparation
from userip_lightning.data.prepared import PreparedData
from userip_lightning.data.sources.movielens import MovieLens100K
from userip_lightning.data.sources.source import Source
from userip_lightning.data.sources.synthesize import Planted
from userip_lightning.data.splits import ColdUsers, RandomSplit, Split, TemporalSplit
from userip_lightning.errors import InputError

FILMS = MovieLens100K(str(TINY / "ml-100k"))
PLANTED = Planted(users=40, rows_per_user=14)
LOGS = pytest.mark.parametrize(("source", "labels"), [(FILMS, RatingThreshold()), (PLANTED, Implicit(2))])
JUDGED = ("val", "test")


def quiet(_: str) -> None:
    """For runs whose report is not under test."""


def prepared(folder: Path, source: Source, labels: Labels, show: int | None = None, **more) -> PreparedData:
    split = ColdUsers(0.3, support=4, show=show)
    return PreparedData.load(Preparation(source, labels=labels, split=split, **more).run(folder, quiet))


def plain(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows without their dense indices, which count what is there."""
    return rows.drop("user", "item")


@LOGS
@pytest.mark.parametrize("wanted", [1, 9])
def test_fewer_users_train_and_all_else_stays(
    tmp_path: Path, source: Source, labels: Labels, wanted: int
) -> None:
    whole, thin = (prepared(tmp_path, source, labels, train_users=n) for n in (None, wanted))
    for splits in (("support",), JUDGED):
        assert plain(thin.rows(*splits)).equals(plain(whole.rows(*splits)))
    left = thin.rows("train")
    assert left["user_id"].n_unique() == wanted < whole.rows("train")["user_id"].n_unique()
    theirs = pl.col("user_id").is_in(left["user_id"].unique().implode())
    assert plain(left).equals(plain(whole.rows("train").filter(theirs)))


@LOGS
def test_a_thinned_artifact_keeps_its_contract(tmp_path: Path, source: Source, labels: Labels) -> None:
    data = prepared(tmp_path, source, labels, show=1, train_users=5)
    assert sorted(data.events["user"].unique()) == data.users["user"].to_list() == list(range(data.n_users))
    assert sorted(data.events["item"].unique()) == data.items["item"].to_list() == list(range(data.n_items))
    assert data.users["user_id"].gather(data.events["user"]).equals(data.events["user_id"])
    assert data.items["item_id"].gather(data.events["item"]).equals(data.events["item_id"])
    assert data.n_users == data.manifest.users == 5 + 12


@LOGS
def test_less_is_shown_of_the_same_and_the_same_is_judged(
    tmp_path: Path, source: Source, labels: Labels
) -> None:
    shown = [prepared(tmp_path, source, labels, show) for show in (1, 2, 4, None)]
    assert len({json.dumps(data.manifest.config_hash) for data in shown}) == 4
    for data in shown:
        for splits in (("train",), JUDGED):
            assert plain(data.rows(*splits)).equals(plain(shown[-1].rows(*splits)))
    support = [data.rows("support") for data in shown]
    for show, rows in zip((1, 2, 4), support, strict=False):
        assert rows.filter("logged").group_by("user").len()["len"].unique().to_list() == [show]
        assert rows.height == rows.filter("logged").height * (3 if isinstance(labels, Implicit) else 1)
    for less, more in pairwise(support):
        assert set(less["row_id"]) <= set(more["row_id"])
    assert plain(support[2]).equals(plain(support[3]))


def test_what_is_shown_is_drawn_by_the_seed(tmp_path: Path) -> None:
    """Were it the earliest of the support, it would lie before the rest for every user."""
    one, all_four = (prepared(tmp_path, FILMS, RatingThreshold(), show).rows("support") for show in (1, 4))
    first = all_four.group_by("user_id").agg(pl.col("timestamp").min().alias("first"))
    early = one.join(first, on="user_id").select(pl.col("timestamp") == pl.col("first")).to_series()
    assert 0 < early.sum() < early.len()


def test_a_negative_goes_with_its_event(tmp_path: Path) -> None:
    """A negative has its event's timestamp."""
    rows = prepared(tmp_path, PLANTED, Implicit(2), show=2).rows("support")
    left = rows.group_by("logged", "user_id").agg(pl.col("timestamp").unique().sort())
    shown, drawn = (left.filter(logged=flag).sort("user_id")["timestamp"] for flag in (True, False))
    assert shown.to_list() == drawn.to_list()


def test_the_card_and_the_report_count_what_is_left(tmp_path: Path) -> None:
    said: list[str] = []
    split = ColdUsers(0.3, support=4, show=1)
    data = PreparedData.load(Preparation(FILMS, split=split, train_users=5).run(tmp_path, said.append))
    gone = 560 - 12 * 3 - data.events.height
    assert said[0].endswith(
        f"; dropped of the log's 560: 36 (left out by ColdUsers), {gone} (5 users in train)"
    )
    steps = json.loads((data.path / "stats.json").read_text())["steps"]
    assert [step["step"] for step in steps[-2:]] == ["left out by ColdUsers", "5 users in train"]
    assert steps[-2]["interactions"] == 560 - 12 * 3
    assert steps[-1] == {
        "step": "5 users in train",
        "interactions": data.events.height,
        "users": data.n_users,
        "items": data.n_items,
    }
    assert "| 5 users in train |" in (data.path / "card.md").read_text()


@pytest.mark.parametrize("split", [RandomSplit((2, 1, 1)), TemporalSplit((2, 1, 1))])
def test_nobody_is_judged_of_whom_nothing_is_left(tmp_path: Path, split: Split) -> None:
    """Without cold users those who lose their train events lose their validation and test rows as well."""
    runs = [Preparation(FILMS, split=split, train_users=n) for n in (None, 7)]
    whole, thin = (PreparedData.load(run.run(tmp_path, quiet)) for run in runs)
    left = thin.rows("train")["user_id"].unique()
    assert left.len() == 7
    theirs = plain(whole.events).filter(pl.col("user_id").is_in(left.implode()))
    assert plain(thin.events).equals(theirs)
    assert thin.rows(*JUDGED).height < whole.rows(*JUDGED).height


def test_what_cannot_be_thinned_is_said(tmp_path: Path) -> None:
    for wanted in (0, -1, 29):
        with pytest.raises(InputError, match=rf"train_users is {wanted}, expected 1 to 28, the users with"):
            prepared(tmp_path, FILMS, RatingThreshold(), train_users=wanted)
    for show in (0, 5):
        with pytest.raises(InputError, match=rf"ColdUsers: show is {show}, expected 1 to 4, the support"):
            prepared(tmp_path, FILMS, RatingThreshold(), show)
