from datetime import date
from pathlib import Path

import polars as pl
import pytest

from userip_lightning.data.events import shape_events
from userip_lightning.data.parsing.columns import ROW
from userip_lightning.data.parsing.rejects import Rejects
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
        (
            {"timestamp": ["-5"]},
            r"has timestamp '-5', expected seconds since 1970 or ISO 8601 \(2020-.*Z\), until 2099",
        ),
        (
            {"timestamp": ["1600000000000"]},
            "has timestamp '1600000000000', which looks like milliseconds since 1970",
        ),
        ({"timestamp": [True]}, "has timestamp True, expected seconds since 1970 or ISO 8601 .*, until 2099"),
        ({"rating": [True]}, "has rating 'true', expected a number"),
        ({"user_id": [float("nan")]}, "has an empty user_id"),
        (
            {"user_id": [2.0**53]},
            "has user_id 9007199254740992.0, expected text or a whole number, below 2.*",
        ),
        ({"item_id": [1.5]}, "has item_id 1.5, expected text or a whole number, below .*"),
        ({"item_id": ["x" * 257]}, "has more than 256 characters as item_id"),
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


@pytest.mark.parametrize("ids", [[7], [7.0], ["7"], ["7.0"], ["7.00"]])
def test_an_id_is_one_whatever_its_type(ids: list[object]) -> None:
    shaped = shape_events(raw(item_id=ids, user_id=ids), FILE, Rejects())
    assert shaped.select("user_id", "item_id").rows() == [("7", "7")]


@pytest.mark.parametrize("ids", [[True], [b"x"], [["x"]], [date(2020, 1, 1)]])
def test_a_column_that_holds_no_ids_is_refused(ids: list[object]) -> None:
    with pytest.raises(InputError, match=r"log\.csv: column 'user_id' has type .*, ids are"):
        shape_events(raw(user_id=ids), FILE, Rejects(9))


def test_nan_among_decimals_is_a_gap_and_else_a_name() -> None:
    frame = pl.DataFrame({ROW: [0, 1], "user_id": ["1.0", "nan"], "item_id": ["b", "nan"]})
    rejects = Rejects(1)
    assert shape_events(frame, FILE, rejects)["user_id"].to_list() == ["1"]
    assert rejects.first == "log.csv: row 2 has an empty user_id"
    assert shape_events(frame.with_columns(user_id=pl.lit("Nan")), FILE, Rejects())["user_id"][0] == "Nan"


@pytest.mark.parametrize("missing", [[None], [float("nan")], ["NaN"], [" "]])
def test_a_rating_that_is_missing_is_null(missing: list[object]) -> None:
    assert shape_events(raw(rating=missing), FILE, Rejects(), (1.0, 5.0))["rating"].to_list() == [None]


def test_a_float32_tells_fewer_integers_apart() -> None:
    single = raw().with_columns(user_id=pl.lit(2.0**24, dtype=pl.Float32))
    with pytest.raises(InputError, match=r"row 5 has user_id 1.*, expected .* below 2\^24 if a float"):
        shape_events(single, FILE, Rejects())
    less = raw().with_columns(user_id=pl.lit(2.0**24 - 1, dtype=pl.Float32))
    assert shape_events(less, FILE, Rejects())["user_id"].to_list() == ["16777215"]
