"""Every complaint names the file, the row and what was expected."""

from pathlib import Path

import polars as pl
import pytest

from userip_lightning.data.parsing.columns import (
    ROW,
    blank_fault,
    nul_fault,
    number,
    number_fault,
    range_fault,
    require_columns,
    shape_side,
    sift,
)
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.errors import InputError

FILE = Path("log.csv")


def frame(name: str, values: list[object]) -> pl.DataFrame:
    return pl.DataFrame({ROW: range(10, 10 + len(values)), name: values})


def test_numbers_are_read_and_empty_ones_are_null() -> None:
    values = frame("rating", ["3", " 4.5 ", "", None, "nan", " NaN"])
    assert sift(values, [number_fault(values, "rating")], FILE, Rejects()).equals(values)
    assert values.select(number(values, "rating")).to_series().to_list() == [3.0, 4.5, *[None] * 4]
    numbers = frame("rating", [3.0, None, float("nan")])
    assert sift(numbers, [number_fault(numbers, "rating")], FILE, Rejects()).height == 3
    assert numbers.select(number(numbers, "rating")).to_series().to_list() == [3.0, None, None]


@pytest.mark.parametrize("bad", ["four", "nano", "inf"])
def test_a_value_that_is_no_number_is_named(bad: str) -> None:
    values = frame("rating", ["3", bad])
    with pytest.raises(InputError, match=rf"log\.csv: row 12 has rating '{bad}', expected a number"):
        sift(values, [number_fault(values, "rating")], FILE, Rejects())


def test_a_value_out_of_range_is_named() -> None:
    values = frame("rating", [1.0, None, 6.0])
    with pytest.raises(InputError, match=r"row 13 has rating 6.0, expected 1 to 5"):
        sift(values, [range_fault(values, "rating", 1, 5)], FILE, Rejects())
    assert sift(values, [range_fault(values, "rating", 1, 6)], FILE, Rejects()) is values


@pytest.mark.parametrize("blank", [None, "", "  "])
def test_an_empty_value_is_named(blank: str | None) -> None:
    with pytest.raises(InputError, match=r"row 12 has an empty user_id"):
        sift(frame("user_id", ["u", blank]), [blank_fault("user_id")], FILE, Rejects())


def test_a_nul_character_is_named() -> None:
    with pytest.raises(InputError, match=r"row 11 has a NUL character in review"):
        sift(frame("review", ["a\0b"]), [nul_fault("review")], FILE, Rejects())


def test_bad_rows_go_in_order_and_the_first_fault_is_told(tmp_path: Path) -> None:
    values = pl.DataFrame({ROW: [0, 1, 2], "user_id": ["u", "", ""], "rating": ["x", "y", "3"]})
    with Rejects(3, tmp_path / "rejected.jsonl") as rejects:
        faults = [blank_fault("user_id"), number_fault(values, "rating")]
        assert sift(values, faults, FILE, rejects).is_empty()
    assert pl.read_ndjson(tmp_path / "rejected.jsonl").rows() == [
        ("log.csv", 1, "has rating 'x', expected a number", "u | x"),
        ("log.csv", 2, "has an empty user_id", " | y"),
        ("log.csv", 3, "has an empty user_id", " | 3"),
    ]


def test_a_missing_column_is_named_with_those_that_exist() -> None:
    with pytest.raises(InputError, match=r"column 'item_id' is missing, the file has user_id;"):
        require_columns(frame("user_id", ["u"]), FILE, ["user_id", "item_id"])


def test_a_side_table_is_strings_with_an_id() -> None:
    table = pl.DataFrame({ROW: [0, 1], "item_id": [1, None], "title": ["A", "B"]})
    rejects = Rejects(1)
    assert shape_side(table, "item_id", FILE, rejects).rows() == [("1", "A")]
    assert rejects.by_file == {"log.csv": 1}
