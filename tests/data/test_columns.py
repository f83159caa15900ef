"""Every complaint names the file, the row and what was expected."""

from pathlib import Path

import polars as pl
import pytest

from userip_lightning.data.columns import require_all, require_columns, require_range, side_table, to_numbers
from userip_lightning.errors import InputError

FILE = Path("log.csv")


def test_numbers_are_read_and_empty_ones_are_null() -> None:
    values = pl.Series("rating", ["3", "4.5", "", None])
    assert to_numbers(values, pl.Float32(), FILE).to_list() == [3.0, 4.5, None, None]
    assert to_numbers(pl.Series("timestamp", ["881250949.0"]), pl.Int64(), FILE).to_list() == [881250949]


@pytest.mark.parametrize("bad", ["four", "nan", "inf"])
def test_a_value_that_is_no_number_is_named(bad: str) -> None:
    with pytest.raises(InputError, match=rf"log\.csv: row 2 has rating '{bad}', expected a number"):
        to_numbers(pl.Series("rating", ["3", bad]), pl.Float32(), FILE)


def test_a_value_out_of_range_is_named() -> None:
    values = pl.Series("rating", [1.0, None, 6.0])
    with pytest.raises(InputError, match=r"row 3 has rating 6, expected 1 to 5"):
        require_range(values, 1, 5, FILE)
    assert require_range(values, 1, 6, FILE) is values


@pytest.mark.parametrize("blank", [None, "", "  "])
def test_an_empty_value_is_named(blank: str | None) -> None:
    with pytest.raises(InputError, match=r"row 2 has an empty user_id"):
        require_all(pl.Series("user_id", ["u", blank]), FILE)


def test_a_missing_column_is_named_with_those_that_exist() -> None:
    with pytest.raises(InputError, match=r"column 'item_id' is missing, the file has user_id"):
        require_columns(pl.DataFrame({"user_id": ["u"]}), FILE, ["user_id", "item_id"])


def test_identical_side_rows_are_merged_and_conflicting_ones_refused() -> None:
    same = pl.DataFrame({"item_id": [1, 1, 2], "title": ["A", "A", "B"]})
    assert side_table(same, "item_id", FILE).rows() == [("1", "A"), ("2", "B")]
    other = pl.DataFrame({"item_id": [1, 1], "title": ["A", "B"]})
    with pytest.raises(InputError, match=r"item_id '1' comes twice with different contents"):
        side_table(other, "item_id", FILE)
