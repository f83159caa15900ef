"""What an id is: of columns and of Python's values, which have to agree."""

import datetime
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import numpy as np
import polars as pl
import pytest

from userip_lightning.errors import InputError
from userip_lightning.ids import (
    asked_array,
    asked_ids,
    id_string,
    id_strings,
    is_broken,
    is_missing,
    read_ids,
)

TEXTS = {
    "7": "7",
    "7.0": "7",
    "-7.00": "-7",
    "0.0": "0",
    "-0.0": "0",
    "9007199254740993.0": "9007199254740993",
    "007": "007",
    "007.0": "007.0",
    "+7": "+7",
    "1e5": "1e5",
    "0x7": "0x7",
    "7.": "7.",
    ".0": ".0",
    "1.5": "1.5",
    "a7.0": "a7.0",
    "7.0\n": "7.0\n",
    "٧.0": "٧.0",
    "x" * 256: "x" * 256,
    "nan": "nan",
    "None": "None",
    "True": "True",
    "": "",
    " ": " ",
}
NUMBERS = [7, 7.0, np.int8(7), np.uint64(7), np.float32(7), Decimal("7.00"), Decimal("7")]
MISSING = [None, float("nan"), np.float64("nan"), Decimal("nan"), Decimal("sNaN")]
NO_IDS: list[Any] = [
    True,
    np.bool_(False),
    1.5,
    2.0**53,
    float("-inf"),
    Decimal("1.5"),
    np.timedelta64(1, "s"),
    Decimal("inf"),
    1j,
    b"7",
    ["7"],
    np.array(["7"]),
    datetime.date(2020, 1, 1),
    np.datetime64("2020-01-01"),
    "a\0",
    "a\0b",
    "\0",
    "\ud800",
]
TOO_LONG: list[Any] = ["x" * 257, 10**256, -(10**256), 10**5000, Decimal("1E+999999999")]


@pytest.mark.parametrize(("text", "read"), TEXTS.items())
def test_a_text_is_one_id_wherever_it_comes_from(text: str, read: str) -> None:
    assert asked_ids([text]) == [read]
    assert asked_array(np.array([text])).tolist() == [read]
    assert asked_array([text, "another"]).tolist() == [read, "another"]
    for dtype in (pl.String(), pl.Categorical()):
        frame = pl.DataFrame({"id": pl.Series([text], dtype=dtype)})
        assert frame.select(read_ids("id", frame.schema["id"]))["id"].to_list() == [read]
        assert not frame.select(is_broken("id", frame.schema["id"])).item()


@pytest.mark.parametrize("number", NUMBERS)
def test_whole_numbers_are_the_integer(number: Any) -> None:
    assert id_strings([number, "a"], "users") == ["7", "a"]
    assert asked_array([number]).tolist() == ["7"]
    assert id_string(number, "item") == "7"


@pytest.mark.parametrize("value", MISSING)
def test_a_missing_id_is_found_nowhere_and_written_nowhere(value: Any) -> None:
    assert asked_ids(["a", value]) == ["a", ""]
    with pytest.raises(InputError, match=r"^users: number 2 is missing; an id is a string or a whole number"):
        id_strings(["a", value], "users")


@pytest.mark.parametrize("value", NO_IDS, ids=repr)
def test_what_is_no_id_is_named_with_its_place(value: Any) -> None:
    readers: list[Callable[[Any], object]] = [asked_ids, asked_array, partial(id_strings, what="user_ids")]
    for read in readers:
        with pytest.raises(InputError, match=r"^user_ids: .* \(number 3\) (is no id|has a NUL).*; an id is"):
            read(["a", 7.0, value])


@pytest.mark.parametrize("value", TOO_LONG, ids=lambda value: type(value).__name__)
def test_an_id_that_is_too_long_is_found_nowhere_and_written_nowhere(value: Any) -> None:
    assert asked_array(["a", value]).tolist() == ["a", ""]
    with pytest.raises(InputError, match=r"\(number 2\) has more than 256 characters"):
        id_strings(["a", value], "users")


def test_one_endless_id_does_not_make_an_endless_array() -> None:
    values = [*map(str, range(200)), "x" * 1_000_000]
    assert asked_array(values).nbytes < 5_000
    assert asked_array(np.array(["a", "x" * 300])).tolist() == ["a", ""]


@pytest.mark.parametrize(
    "values",
    [
        {"7"},
        frozenset("7"),
        {"7": 1},
        {"7": 1}.keys(),
        (user for user in "78"),
        iter(["7"]),
        "78",
        b"78",
        7,
        None,
        np.array([["7"]]),
        np.array("7"),
        np.array(["2020-01-01"], dtype="datetime64[ns]"),
        np.array([1], dtype="timedelta64[s]"),
        pl.DataFrame({"user_id": ["7"]}),
    ],
    ids=lambda values: type(values).__name__,
)
def test_ids_come_in_order(values: Any) -> None:
    with pytest.raises(InputError, match=r"^user_ids: .* given, expected ids in order; give a list"):
        asked_array(values)


@pytest.mark.parametrize(
    "values",
    [
        ["7", "8"],
        (7, 8.0),
        range(7, 9),
        np.array([7, 8]),
        np.array([7.0, 8.0]),
        np.array([7, "8"], dtype=object),
        np.array(["7", "", "8", ""])[::2],
        np.array(["7", "8"], dtype=">U1"),
        np.array(["7", "8"], dtype=np.dtypes.StringDType()),
        pl.Series([7, 8]),
        pl.Series(["7.0", "8"], dtype=pl.Categorical),
        pl.Series(["7", "8"]),
    ],
    ids=lambda values: type(values).__name__,
)
def test_whatever_holds_them(values: Any) -> None:
    assert asked_array(values).tolist() == id_strings(values, "users") == ["7", "8"]


def test_a_masked_id_is_missing() -> None:
    assert asked_ids(np.ma.array(["7", "8"], mask=[False, True])) == ["7", ""]


def test_an_array_of_ids_is_not_copied() -> None:
    ids = np.array(["196", "ann@example.org", "b.7"])
    assert asked_array(ids) is ids
    assert asked_array(np.array([], dtype=np.str_)).shape == asked_array([]).shape == (0,)


@pytest.mark.parametrize(
    ("values", "dtype", "read", "broken"),
    [
        ([7.0, -0.0, None, float("nan")], pl.Float64(), ["7", "0", None, None], ()),
        (
            [1.5, 2.0**53, float("inf"), -(2.0**53) + 1],
            pl.Float64(),
            [None] * 3 + ["-9007199254740991"],
            (0, 1, 2),
        ),
        ([7.0, 0.5], pl.Float32(), ["7", None], (1,)),
        ([2**64 - 1, None], pl.UInt64(), [str(2**64 - 1), None], ()),
        ([Decimal("7.00"), Decimal("7.50"), None], pl.Decimal(38, 2), ["7", None, None], (1,)),
        ([Decimal(7)], pl.Decimal(38, 0), ["7"], ()),
        (["a\0", "x" * 257, "é" * 256, None], pl.String(), [None, None, "é" * 256, None], (0, 1)),
        ([None], pl.Null(), [None], ()),
    ],
)
def test_columns(
    values: list[Any], dtype: pl.DataType, read: list[str | None], broken: tuple[int, ...]
) -> None:
    frame = pl.DataFrame({"id": pl.Series(values, dtype=dtype)})
    assert frame.select(read_ids("id", dtype))["id"].to_list() == read
    assert frame.select(wrong=is_broken("id", dtype) & pl.lit(True)).with_row_index().filter("wrong")[
        "index"
    ].to_list() == list(broken)


@pytest.mark.parametrize(
    "dtype", [pl.Boolean(), pl.Date(), pl.Datetime(), pl.Binary(), pl.List(pl.String()), pl.Object()]
)
def test_columns_of_other_types_are_refused(dtype: pl.DataType) -> None:
    with pytest.raises(
        InputError, match=r"^log\.parquet: column 'id' has type .*, ids are strings or integers"
    ):
        read_ids("id", dtype, "log.parquet")


def test_null_and_blank_are_missing() -> None:
    frame = pl.DataFrame({"id": [None, "", " \t", "7"]})
    assert frame.select(is_missing("id"))["id"].to_list() == [True, True, True, False]


def test_values_are_read_without_polars() -> None:
    code = (
        "import sys, userip_lightning.ids as ids; ids.asked_array(['7']); assert 'polars' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
