import numpy as np
import polars as pl
import pytest

from userip_lightning.data.splits import ColdUsers, RandomSplit, Split, TemporalSplit
from userip_lightning.errors import InputError


@pytest.fixture
def events() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    user = np.repeat(np.arange(20, dtype=np.int32), 15)
    time = rng.permutation(10_000)[: user.size].astype(np.int64) + 5
    return pl.DataFrame({"row_id": np.arange(user.size), "user": user, "timestamp": time})


@pytest.mark.parametrize("split", [RandomSplit(), TemporalSplit(), ColdUsers(), ColdUsers(choose="random")])
def test_the_seed_decides(events: pl.DataFrame, split: Split) -> None:
    assert split.assign(events, 1).equals(split.assign(events, 1))
    same = split.assign(events, 1).equals(split.assign(events, 2))
    assert same == isinstance(split, TemporalSplit)


def test_random_split_has_exact_parts(events: pl.DataFrame) -> None:
    counts = dict(RandomSplit().assign(events, 0).value_counts().rows())
    assert counts == {"train": 240, "val": 30, "test": 30}


def test_temporal_split_goes_forward_in_time(events: pl.DataFrame) -> None:
    rows = events.with_columns(TemporalSplit((6, 2, 2)).assign(events, 0))
    ends = {
        name: (part["timestamp"].min(), part["timestamp"].max()) for (name,), part in rows.group_by("split")
    }
    assert ends["train"][1] < ends["val"][0] < ends["val"][1] < ends["test"][0]
    assert rows["split"].value_counts().filter(split="train")["count"].item() == 180


def test_temporal_split_keeps_one_second_together(events: pl.DataFrame) -> None:
    coarse = events.with_columns(pl.col("timestamp") // 100)
    rows = coarse.with_columns(TemporalSplit().assign(coarse, 0))
    assert rows.group_by("timestamp").agg(pl.col("split").n_unique())["split"].max() == 1


@pytest.mark.parametrize("choose", ["earliest", "random"])
def test_cold_users_are_never_in_train(events: pl.DataFrame, choose: str) -> None:
    rows = events.with_columns(ColdUsers(0.3, 4, choose).assign(events, 0))
    users = {name: set(part["user"]) for (name,), part in rows.group_by("split")}
    assert len(users["support"]) == 6
    assert len(users["val"]) == len(users["test"]) == 3
    assert users["support"] == users["val"] | users["test"]
    assert not users["val"] & users["test"]
    assert users["train"] == set(range(20)) - users["support"]
    support = rows.filter(split="support")
    assert support.group_by("user").len()["len"].unique().to_list() == [4]
    cold = rows.filter(pl.col("user").is_in(list(users["support"])))
    latest = support.group_by("user").agg(late=pl.col("timestamp").max())
    judged = cold.filter(pl.col("split") != "support").join(latest, on="user")
    assert (judged["timestamp"] > judged["late"]).all() == (choose == "earliest")


def test_what_a_split_cannot_do_is_said(events: pl.DataFrame) -> None:
    timeless = events.with_columns(timestamp=pl.lit(None, dtype=pl.Int64))
    with pytest.raises(InputError, match="TemporalSplit: some events have no timestamp"):
        TemporalSplit().assign(timeless, 0)
    with pytest.raises(InputError, match="ColdUsers: some events have no timestamp; set choose to random"):
        ColdUsers().assign(timeless, 0)
    positions = events.with_columns(timestamp=pl.int_range(pl.len()).over("user"))
    with pytest.raises(InputError, match="positions in a history"):
        TemporalSplit().assign(positions, 0)
    with pytest.raises(InputError, match="4 cold users wanted, 0 of 20 users with more than 15 events"):
        ColdUsers(support=15).assign(events, 0)
    with pytest.raises(InputError, match="some warm ones"):
        ColdUsers(fraction=1.0).assign(events, 0)
    with pytest.raises(InputError, match="every part must be above 0"):
        RandomSplit((8, 2, 0)).assign(events, 0)
    with pytest.raises(InputError, match="2 events cannot be split"):
        RandomSplit().assign(events.head(2), 0)
