"""Random objects as ids, one by one and in everything that holds several."""

from __future__ import annotations

import collections
import datetime
import decimal
import fractions
import random
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

#: Ids of the bank; names of odd values among them, so that what is turned into text by chance is found out.
KNOWN = [
    *map(str, range(12)),
    *(
        "-5",
        "007",
        "1e5",
        "9007199254740992",
        "9007199254740993",
        "18446744073709551615",
        "12345678901234567890",
    ),
    *("None", "nan", "NaN", "True", "False", "null", "<NA>", "NaT", "inf", "b'7'", "[7]", "{}", "1970-01-01"),
    *(
        "a",
        "A",
        "ann",
        "é",
        "e\u0301",
        "用户",
        "🙂",
        "a b",
        " a",
        "x" * 256,
        "1_000",
        "+7",
        "0x7",
        "7.5",
        "１",
    ),
]


_DTYPES = (
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", ">i4", "float16", "float32"),
    *("float64", "longdouble", "bool", "complex64", "S3", "U3", "U300", "M8[s]", "m8[s]", "V3", "O"),
)


class _Hostile:
    """Answers nothing."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__

    def __hash__(self) -> int:
        raise TypeError("no hash")


class Ids(NamedTuple):
    """A container of ids.

    Args:
        given: what is handed over.
        values: the ids in it, in order; None where nothing says what they and their order are.
        may_refuse: whether it may be refused for what it is, whatever is in it.
        words: what it is.
    """

    given: Any
    values: list[Any] | None
    may_refuse: bool
    words: str


_ODD: tuple[Callable[[random.Random], Any], ...] = (
    lambda rng: None,
    lambda rng: rng.choice([True, False, np.bool_(True)]),
    lambda rng: rng.choice([float("nan"), np.float32("nan"), float("inf"), -float("inf")]),
    lambda rng: rng.choice([0.5, 7.5, 2.0**53, -(2.0**60), 1e300, 5e-324]),
    lambda rng: rng.choice([2**53 + 1, 2**64 - 1, -(2**63), 10**30, 10**300, 10**5000, -7]),
    lambda rng: rng.choice([b"7", b"", b"a\0", bytearray(b"7"), memoryview(b"7")]),
    lambda rng: rng.choice(["", " ", "\t", "\u3000", "\u200b", "\n"]),
    lambda rng: rng.choice(["a\0", "\0", "a\0b", "7\0"]),
    lambda rng: rng.choice(["x" * 257, "x" * 10**6, "é" * 300]),
    lambda rng: rng.choice(["\ud800", "a\udfff", "\U0010ffff", "\ufeff7", "7\n", "7 "]),
    lambda rng: rng.choice(["7.0", "7.00", "-5.0", "007.0", "1e5", "+7", "0x7", "7.", ".0", "٧.0", "-0.0"]),
    lambda rng: rng.choice([[7], ["7"], ("7",), {"7"}, {"7": 1}, [], {}, range(1), [["7"]]]),
    lambda rng: rng.choice([datetime.date(2020, 1, 1), datetime.datetime(2020, 1, 1), np.datetime64("NaT")]),
    lambda rng: rng.choice([decimal.Decimal("7"), decimal.Decimal("NaN"), fractions.Fraction(7), 7 + 0j]),
    lambda rng: rng.choice([uuid.UUID(int=7), Path("7"), object(), _Hostile(), int, len, Ellipsis]),
    lambda rng: rng.choice(
        [np.datetime64("2020-01-01"), np.timedelta64(7, "s"), np.void(b"7"), np.str_("7")]
    ),
    lambda rng: rng.choice([np.int8(7), np.uint64(2**64 - 1), np.float16(7), np.float32(7.5), np.float64(7)]),
    lambda rng: rng.choice([np.array(7), np.array([7]), pl.Series([7]), pl.lit(7)]),
)


def one(rng: random.Random) -> Any:
    """A value, a good one more often than not."""
    if rng.random() < 0.7:
        return rng.choice(
            [rng.choice(KNOWN), rng.choice(KNOWN), f"new{rng.randrange(9)}", rng.randrange(-9, 12), 7.0]
        )
    return rng.choice(_ODD)(rng)


def several(rng: random.Random) -> Ids:
    """A container with some."""
    return rng.choice([_listed, _listed, _listed, _typed, _typed, _series, _series, _strange])(rng)


def _values(rng: random.Random) -> list[Any]:
    return [one(rng) for _ in range(rng.choice([0, 1, 1, 2, 3, 8]))]


def _good(rng: random.Random) -> list[str]:
    return [rng.choice([*KNOWN, "new"]) for _ in range(rng.choice([1, 2, 5]))]


def _listed(rng: random.Random) -> Ids:
    values = _values(rng)
    if rng.random() < 0.1:
        values = [*values, *_good(rng) * 40]
    make = rng.choice([list, list, tuple, collections.deque, _objects])
    return Ids(make(values), values, make is collections.deque, f"{make.__name__} {_shown(values)}")


def _objects(values: list[Any]) -> np.ndarray:
    """An array whose entries are the values themselves."""
    array = np.empty(len(values), dtype=object)
    for place, value in enumerate(values):
        array[place] = value
    return array


def _typed(rng: random.Random) -> Ids:
    dtype = rng.choice(_DTYPES)
    numbers: list[Any] = [rng.choice([0, 1, 7, 11, 100, 3]) for _ in range(rng.choice([0, 1, 3]))]
    array = np.array(numbers).astype(dtype) if dtype != "V3" else np.zeros(len(numbers), "V3")
    if np.dtype(dtype).kind == "f" and numbers and rng.random() < 0.4:
        array[0] = rng.choice([float("nan"), float("inf"), 0.5, 7.0])
    if rng.random() < 0.2:
        array = np.repeat(array, 2)[::2]  # not contiguous
    return Ids(array, list(array), not len(array), f"array of {dtype} {_shown(list(array))}")


def _series(rng: random.Random) -> Ids:
    numbers = [rng.choice([0, 1, 7, 11, None]) for _ in range(rng.choice([0, 1, 3]))]
    texts = [rng.choice(["a", "7", "7.0", "new", None, "", "a\0"]) for _ in numbers]
    days = [datetime.date(1970, 1, 1) for _ in numbers]
    series = rng.choice(
        [
            pl.Series(numbers, dtype=rng.choice([pl.Int8, pl.Int64, pl.UInt32, pl.Float32, pl.Float64])),
            pl.Series(texts, dtype=pl.String),
            pl.Series([text and text.replace("\0", "0") for text in texts], dtype=pl.Categorical),
            pl.Series([text for text in texts if text in ("a", "7")], dtype=pl.Enum(["a", "7"])),
            pl.Series([None if number is None else bool(number) for number in numbers], dtype=pl.Boolean),
            pl.Series(days, dtype=pl.Date),
            pl.Series(days).cast(pl.Datetime("ms")),
            pl.Series([[number] for number in numbers], dtype=pl.List(pl.Int64)),
            pl.Series([None if text is None else text.encode() for text in texts], dtype=pl.Binary),
            pl.Series([{"a": text} for text in texts], dtype=pl.Struct({"a": pl.String})),
            pl.Series([None for _ in numbers], dtype=pl.Null),
            pl.Series(numbers, dtype=pl.Int64).cast(pl.Decimal(20, 0)),
            pl.Series([*texts, b"7", 7], dtype=pl.Object),
        ]
    )
    empty = not len(series)
    return Ids(series, series.to_list(), empty, f"Series of {series.dtype} {_shown(series.to_list())}")


def _strange(rng: random.Random) -> Ids:
    """What holds ids in no order, in several dimensions, once only, or is one itself."""
    values: list[Any] = _good(rng)
    table = np.array([values, values])
    circle: list[Any] = [*values]
    circle.append(circle)
    chosen: Ids = rng.choice(
        [
            Ids((value for value in values), values, True, f"generator {values}"),
            Ids(iter(values), values, True, f"iterator {values}"),
            Ids(set(values), None, True, f"set {values}"),
            Ids(frozenset(values), None, True, f"frozenset {values}"),
            Ids(dict.fromkeys(values, 1), None, True, f"dict {values}"),
            Ids(dict.fromkeys(values, 1).keys(), list(dict.fromkeys(values)), True, f"keys {values}"),
            Ids("7", ["7"], True, "a string alone"),
            Ids("ann", ["ann"], True, "a string alone"),
            Ids(7, None, True, "an integer alone"),
            Ids(None, None, True, "None alone"),
            Ids(b"77", None, True, "bytes alone"),
            Ids(np.array("7"), None, True, "an array without a dimension"),
            Ids(table, None, True, "an array of two dimensions"),
            Ids(table[:, :0], None, True, "an empty array of two dimensions"),
            Ids(pl.DataFrame({"user_id": values}), None, True, "a DataFrame"),
            Ids(pl.col("user_id"), None, True, "an expression"),
            Ids(range(5), list(range(5)), True, "range(5)"),
            Ids(
                np.ma.masked_array(values, [True] * len(values)), [None] * len(values), True, "a masked array"
            ),
            Ids([[value] for value in values], None, True, f"a list of lists {values}"),
            Ids(circle, None, True, "a list with itself"),
            Ids(object(), None, True, "an object"),
            Ids(_Hostile(), None, True, "an object without a text"),
        ]
    )
    return chosen


def _shown(values: list[Any]) -> str:
    return ", ".join(f"{type(value).__name__}:{_text(value)}" for value in values[:8])


def _text(value: Any) -> str:
    try:
        return f"{value!r:.24}"
    except Exception:  # a hostile one, or an integer of thousands of digits
        return "?"
