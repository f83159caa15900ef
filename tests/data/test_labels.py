import polars as pl
import pytest

from userip_lightning.data.labels import GivenLabel, RatingThreshold
from userip_lightning.errors import InputError

USERS = pl.Series("user_id", ["a", "b"])


def rated(ratings: list[float | None]) -> pl.DataFrame:
    return pl.DataFrame({"row_id": range(len(ratings)), "rating": ratings})


def test_positive_means_above_the_threshold() -> None:
    labelled = RatingThreshold().apply(rated([1.0, 3.0, 3.5, 4.0]), USERS, 2, 0)
    assert labelled["label"].to_list() == [0, 0, 1, 1]
    assert labelled.schema["label"] == pl.Int8
    assert RatingThreshold(3.5).apply(rated([3.5, 4.0]), USERS, 2, 0)["label"].to_list() == [0, 1]


def test_a_row_without_rating_is_named() -> None:
    with pytest.raises(InputError, match=r"row 2 of the source has no rating; .* Implicit or GivenLabel"):
        RatingThreshold().apply(rated([1.0, None]), USERS, 2, 0)


@pytest.mark.parametrize("values", [["0", "1"], [0, 1], [False, True], [0.0, 1.0], ["False", "true"]])
def test_a_given_label_may_be_text_number_or_truth(values: list[object]) -> None:
    events = pl.DataFrame({"row_id": [0, 1], "clicked": values})
    assert GivenLabel("clicked").apply(events, USERS, 2, 0)["label"].to_list() == [0, 1]


@pytest.mark.parametrize("bad", ["2", "yes", None])
def test_a_given_label_that_is_neither_is_named(bad: str | None) -> None:
    events = pl.DataFrame({"row_id": [0, 1], "clicked": ["1", bad]})
    with pytest.raises(InputError, match=r"row 2 of the source has clicked .*, expected 0 or 1"):
        GivenLabel("clicked").apply(events, USERS, 2, 0)


def test_columns_that_are_needed_are_known() -> None:
    assert (RatingThreshold().columns, GivenLabel("clicked").columns) == ((), ("clicked",))
