"""Cells of a log that mean something known: as text, as typed values, and what a reader makes of them.

Written by docs/data.md, with no line of the package. Where that leaves a choice, all choices are right.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from benchmarks.fuzz.id_rule import BAD, MISSING, meanings

#: The row cannot be used and is counted.
REJECTED = object()
_LARGEST = 3.4e38  # of a rating, kept in 32 bits
LATEST = 4_102_444_800


class Column(NamedTuple):
    """What cells may hold.

    Args:
        texts: for formats without types, and for strings of those with.
        typed: values for JSON.
    """

    texts: tuple[str, ...]
    typed: tuple[Any, ...]


ID = Column(
    (
        *(
            "",
            "  ",
            "7.0",
            "-3.00",
            "007",
            "+7",
            "1e5",
            "0x1F",
            "9007199254740993",
            "9007199254740993.0",
            "-5",
            "0",
        ),
        *(
            'a"b',
            "a,b",
            "a\tb",
            "a\nb",
            "a\r\nb",
            " a ",
            "é",
            "e\u0301",
            "🙂",
            "用户",
            "x" * 256,
            "x" * 257,
            "a\0b",
        ),
        *(
            "=1+1",
            "NULL",
            "nan",
            "NaN",
            "None",
            "\ufeffa",
            "a\u2028b",
            "'a'",
            "\\N",
            "[1]",
            "{}",
            "a;b",
            "a|b",
            "a::b",
        ),
        *("1.50", "true", "1_000", "１", "B01", "b01", "\\", '"', "'", "#a", "a\x85b", "a\x1fb"),
    ),
    (
        *(
            7,
            7.0,
            -3.0,
            7.5,
            0,
            -0.0,
            2**53,
            2.0**53,
            2**53 + 1,
            2**63,
            10**30,
            1e300,
            float("nan"),
            float("inf"),
        ),
        *(None, True, False, [], [7], {}, {"a": 7}, ["a"]),
    ),
)
RATING = Column(
    (
        *(
            "",
            " ",
            "4.5",
            " 4 ",
            "1e0",
            "03",
            "abc",
            "4,5",
            "1e999",
            "-1e999",
            "inf",
            "NaN",
            "nan",
            "0x4",
            "1_0",
        ),
        *(
            "5 stars",
            "--1",
            "1.2.3",
            "6",
            "0",
            "-0",
            "-1",
            "1e-400",
            ".5",
            "5.",
            "３",
            "true",
            "null",
            "1e39",
            "+3",
        ),
    ),
    (4, 4.5, "4", None, True, [4], {}, {"a": 1}, float("nan"), float("inf"), 10**30, -1, 6, 1e39, "x", ""),
)
TIME = Column(
    (
        *(
            "",
            " ",
            "0",
            "-1",
            "1600000000",
            "1600000000.7",
            "1.6e9",
            "4102444800",
            "4102444801",
            "1600000000000",
        ),
        *(
            "yesterday",
            "1e999",
            "NaN",
            "1,600,000,000",
            "2020-09-13T12:26:40Z",
            "2020-09-13 12:26:40",
            "2020/09/13",
        ),
        *("13.09.2020", "2020-02-30", "2020-09-13T12:26:40+02:00", "12:26", "99999999999999999999", "0x5"),
    ),
    (
        1600000000,
        1600000000.7,
        "1600000000",
        None,
        True,
        [1],
        {},
        float("nan"),
        -1,
        10**30,
        1.6e12,
        2**63,
        "x",
    ),
)
#: ISO 8601 and its like, in seconds; a reader may know them or not.
_DATES = {
    "2020-09-13T12:26:40Z": 1_600_000_000,
    "2020-09-13 12:26:40": 1_600_000_000,
    "2020/09/13": 1_599_955_200,
    "2020-09-13T12:26:40+02:00": 1_599_992_800,
}


def id_outcomes(value: Any, as_text: bool) -> set[Any]:
    """Ids that a cell may become, or ``REJECTED``."""
    found = {REJECTED if meaning in (BAD, MISSING) else meaning for meaning in meanings(value)}
    if isinstance(value, str):
        if value.strip().lower() in ("null", "nan", "none", "\\n", "user_id"):
            found.add(REJECTED)
        if "\r" in value and as_text:  # line ends within quotes
            found.add(value.replace("\r\n", "\n"))
        if value.startswith("\ufeff") and as_text:  # as where files with a mark were joined
            found.add(value.removeprefix("\ufeff"))
    if isinstance(value, int) and abs(value) >= 2**63:
        found.add(REJECTED)
    return found


def rating_outcomes(value: Any, low: float, high: float, required: bool) -> set[Any]:
    """Ratings that a cell may become."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return {REJECTED} if required else {None}
    found: set[Any] = {REJECTED}
    for number in _numbers(value):
        if math.isnan(number):
            found |= {None}
        elif low <= number <= high and abs(number) < _LARGEST:
            found |= {number}
    sure = isinstance(value, str) and value.strip().replace(".", "", 1).isdigit() and value.isascii()
    if (sure or type(value) in (int, float)) and len(found) == 2 and None not in found:
        found.discard(REJECTED)
    return found


def time_outcomes(value: Any, required: bool) -> set[Any]:
    """Timestamps that a cell may become."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return {REJECTED} if required else {None}
    found: set[Any] = {REJECTED}
    if isinstance(value, str) and value in _DATES:
        found |= {_DATES[value]}
    for number in _numbers(value):
        if math.isnan(number):
            found |= {None}
        elif 0 <= number <= LATEST:
            found |= {int(number)}
    sure = isinstance(value, str) and value.isascii() and value.isdigit()
    if (sure or type(value) is int) and len(found) == 2:
        found.discard(REJECTED)
    return found


def _numbers(value: Any) -> list[float]:
    """What a value may be read as, several where that is a matter of taste."""
    if isinstance(value, bool):
        return [float(value)]
    if isinstance(value, (int, float)):
        return [float(value)]
    if not isinstance(value, str):
        return []
    text = value.strip()
    if "_" in text:  # Python alone
        return []
    if text.lower() in ("true", "false"):
        return [float(text.lower() == "true")]
    try:
        return [float(text)]
    except ValueError:
        return []
