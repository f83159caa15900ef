import numpy as np
import polars as pl
import pytest

from userip_lightning.data.labels import Implicit
from userip_lightning.data.negatives import sample_negatives
from userip_lightning.errors import InputError

USERS = pl.Series("user_id", [f"u{number}" for number in range(400)])


def positives(users: int = 60, items: int = 50, each: int = 12, seed: int = 0) -> tuple[pl.DataFrame, int]:
    """A log where item i is met with odds 1 / (i + 1); splits take turns."""
    rng = np.random.default_rng(seed)
    odds = -np.log(np.arange(items) + 1.0)
    met = np.argsort(-(odds + rng.gumbel(size=(users, items))), axis=1)[:, :each]
    user = np.repeat(np.arange(users, dtype=np.int32), each)
    frame = pl.DataFrame(
        {
            "row_id": np.arange(user.size) * 3,
            "rating": pl.Series([None] * user.size, dtype=pl.Float32),
            "timestamp": np.arange(user.size),
            "user": user,
            "item": met.ravel().astype(np.int32),
            "split": ["train", "val", "train", "test"] * (user.size // 4),
        }
    )
    return frame, items


@pytest.mark.parametrize("matched", [True, False])
def test_no_negative_was_ever_met_or_comes_twice(matched: bool) -> None:
    events, items = positives()
    drawn = sample_negatives(events, USERS, items, 2, matched, 0)
    assert drawn.height == 2 * events.height
    both = pl.concat([events.select("user", "item"), drawn.select("user", "item")])
    assert both.n_unique() == both.height


def test_a_negative_stands_beside_its_positive() -> None:
    events, items = positives()
    drawn = sample_negatives(events, USERS, items, 2, True, 0)
    for column in ("user", "split", "timestamp"):
        assert drawn[column].to_list() == [value for value in events[column] for _ in range(2)]
    last = int(events["row_id"][-1])
    assert drawn["row_id"].to_list() == list(range(last + 1, last + 1 + drawn.height))


def test_matched_negatives_are_as_popular_as_positives_in_their_split() -> None:
    events, items = positives(users=400, items=200, each=12)
    late = events.with_columns(
        split=pl.when(pl.col("item") < 30).then(pl.lit("train")).otherwise(pl.lit("test"))
    )
    drawn = sample_negatives(late, USERS, items, 1, True, 0)
    assert drawn.filter(split="train")["item"].max() < 200
    inside = (drawn.filter(split="train")["item"] < 30).mean()
    outside = (drawn.filter(split="test")["item"] >= 30).mean()
    assert inside > 0.99
    assert outside > 0.99
    uniform = sample_negatives(late, USERS, items, 1, False, 0)
    assert (uniform.filter(split="train")["item"] < 30).mean() < 0.2


def test_the_seed_decides() -> None:
    events, items = positives()
    assert sample_negatives(events, USERS, items, 1, True, 3).equals(
        sample_negatives(events, USERS, items, 1, True, 3)
    )
    assert not sample_negatives(events, USERS, items, 1, True, 3).equals(
        sample_negatives(events, USERS, items, 1, True, 4)
    )


def test_the_last_unmet_items_are_found_and_one_more_is_refused() -> None:
    events, items = positives(users=4, items=24, each=12)
    drawn = sample_negatives(events, USERS, items, 1, True, 0)
    assert all(part["item"].n_unique() == 12 for _, part in drawn.group_by("user"))
    with pytest.raises(InputError, match=r"user_id 'u0' met 12 of 24 items, too many"):
        sample_negatives(events, USERS, items, 2, True, 0)


def test_labels_mark_what_was_logged() -> None:
    events, items = positives()
    labelled = Implicit(negatives=2).apply(events.with_columns(logged=pl.lit(True)), USERS, items, 0)
    assert labelled.group_by("logged", "label").len().sort("logged").rows() == [
        (False, 0, 2 * events.height),
        (True, 1, events.height),
    ]
    with pytest.raises(InputError, match="negatives is 0"):
        Implicit(negatives=0).apply(events, USERS, items, 0)
