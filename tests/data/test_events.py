from pathlib import Path

import polars as pl
import pytest

from userip_lightning.data.columns import ROW
from userip_lightning.data.events import shape_events
from userip_lightning.data.rejects import Rejects
from userip_lightning.errors import InputError
from userip_lightning.schema import EVENT_COLUMNS

FILE = Path("log.csv")


def raw(**columns: list[object]) -> pl.DataFrame:
    return pl.DataFrame({ROW: [4], "user_id": ["u"], "item_id": ["i"], **columns})


def test_columns_get_our_types_and_missing_ones_are_null() -> None:
    shaped = shape_events(raw(more=[1]), FILE, Rejects(), before=10)
    assert dict(shaped.schema) == {**EVENT_COLUMNS, "more": pl.Int64()}
    assert shaped.rows() == [(14, "u", "i", None, None, None, 1)]
    full = raw(rating=["4.5"], timestamp=["1e9"], review=[""])
    assert shape_events(full, FILE, Rejects()).rows() == [(4, "u", "i", 4.5, 10**9, None)]


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"user_id": [" "]}, "has an empty user_id"),
        ({"item_id": [None]}, "has an empty item_id"),
        ({"rating": ["good"]}, "has rating 'good', expected a number"),
        ({"rating": ["6"]}, "has rating 6, expected 1 to 5"),
        ({"timestamp": ["-5"]}, "has timestamp -5, expected 0 to 4102444800"),
        ({"timestamp": ["1600000000000"]}, "has timestamp 1600000000000, expected 0 to 4102444800"),
        ({"timestamp": ["yesterday"]}, "has timestamp 'yesterday', expected a number"),
        ({"review": ["a\0b"]}, "has a NUL character in review"),
        ({"more": ["\0"]}, "has a NUL character in more"),
    ],
)
def test_a_bad_row_is_named(columns: dict[str, list[object]], reason: str) -> None:
    with pytest.raises(InputError, match=rf"^log\.csv: row 5 {reason};"):
        shape_events(raw(**columns), FILE, Rejects(), (1.0, 5.0))
    assert shape_events(raw(**columns), FILE, Rejects(1), (1.0, 5.0)).is_empty()


def test_a_rating_that_would_be_infinite_is_bad() -> None:
    with pytest.raises(InputError, match="row 5 has rating 1e39, expected"):
        shape_events(raw(rating=["1e39"]), FILE, Rejects())
    assert shape_events(raw(rating=["-3e38"]), FILE, Rejects())["rating"].is_finite().all()
