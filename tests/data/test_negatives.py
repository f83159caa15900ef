import numpy as np
import polars as pl
import pytest

from userip_lightning.data.labels import Implicit
from userip_lightning.data.negatives import sample_negatives
from userip_lightning.errors import InputError
from userip_lightning.report.statistics.metrics import auc

USERS = pl.Series("user_id", [f"u{number}" for number in range(400)])


def positives(
    users: int = 60, items: int = 50, each: int = 12, seed: int = 0, steepness: float = 1.0
) -> tuple[pl.DataFrame, int]:
    """A log where item i is met with odds (i + 1)^-steepness; splits take turns."""
    rng = np.random.default_rng(seed)
    odds = -steepness * np.log(np.arange(items) + 1.0)
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


def popularity_auc(events: pl.DataFrame, drawn: pl.DataFrame, items: int, split: str) -> float:
    """AUC of an item's number of training positives, in one split."""
    often = np.bincount(events.filter(split="train")["item"].to_numpy(), minlength=items)
    parts = [often[frame.filter(split=split)["item"].to_numpy()] for frame in (events, drawn)]
    label = np.repeat([1, 0], [len(part) for part in parts]).astype(np.int8)
    return auc(label, np.concatenate(parts).astype(np.float64))


@pytest.mark.parametrize(
    ("items", "each", "per_positive", "steepness"),
    [(200, 40, 1, 0.3), (2000, 12, 1, 0.8), (2000, 12, 3, 0.6)],
    ids=["dense", "sparse", "several negatives"],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_popularity_alone_predicts_nothing(
    items: int, each: int, per_positive: int, steepness: float, seed: int
) -> None:
    events, _ = positives(400, items, each, seed, steepness)
    drawn = sample_negatives(events, USERS, items, per_positive, True, seed)
    for split in ("train", "val", "test"):
        assert popularity_auc(events, drawn, items, split) == pytest.approx(0.5, abs=0.01)


def test_every_item_is_a_negative_as_often_as_a_positive_of_its_split_where_it_can_be() -> None:
    events, items = positives(400, 2000, 12, steepness=0.6)
    late = events.with_columns(
        split=pl.when(pl.col("item") % 3 == 0).then(pl.lit("test")).otherwise(pl.lit("train"))
    )
    drawn = sample_negatives(late, USERS, items, 2, True, 0)
    for split in ("train", "test"):
        met, unmet = (
            np.bincount(frame.filter(split=split)["item"], minlength=items) for frame in (late, drawn)
        )
        assert np.array_equal(unmet, 2 * met)
    uniform = sample_negatives(late, USERS, items, 2, False, 0)
    assert 0.3 < (uniform.filter(split="train")["item"] % 3 == 0).mean() < 0.37


def test_an_item_that_most_met_goes_to_all_others_and_its_other_places_draw_another() -> None:
    events, items = positives(400, 200, 40, steepness=0.6)
    drawn = sample_negatives(events, USERS, items, 1, True, 0)
    met, unmet = (np.bincount(frame["item"], minlength=items) for frame in (events, drawn))
    assert met.max() > 350
    assert unmet[met.argmax()] > 0.9 * (400 - met.max())
    assert np.maximum(met - unmet, 0).sum() < 1.1 * np.maximum(2 * met - 400, 0).sum()


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
