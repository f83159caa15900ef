"""Points in time as they come, to whole seconds since 1970: one rule for every format and reader.

Numbers, also as text, count from 1970 in a unit, seconds unless a setting says otherwise. Text may be ISO
8601 (``2020-09-13T12:43:20Z``, ``2020-09-13 12:43``, ``2020-09-13``, ``2020/09/13``); without a zone it is
UTC, as are columns of dates. Nothing is guessed: what looks like another unit, or has day and month in an
order that nobody can tell, is rejected with the setting that reads it.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Literal, NamedTuple

import polars as pl

from userip_lightning.errors import InputError

TimestampUnit = Literal["s", "ms", "us", "ns"]
#: The last second of 2099: timestamps lie between 1970 and 2100.
LATEST = 4_102_444_800
_PER_SECOND: dict[str, int] = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_WORDS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
# Where a number would be in the years 1995 to 2099 in one unit, that unit is probably meant.
_EARLIEST_LIKELY = 788_918_400
_YEAR = 31_536_000
_SHOWN = 40  # characters of a value in a sentence
_TEXTS = (pl.String, pl.Categorical, pl.Enum)
_COMPACT = r"^(\d{4})(\d{2})(\d{2})[Tt](\d{2})(\d{2})(\d{2})"
_ISO = (
    r"^(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})"
    r"(?:(?:[Tt]|\s+)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?"
    r"\s*(?:[Zz]|UTC|GMT|(?P<sign>[+-])(?P<hours>\d{2}):?(?P<minutes>\d{2})?)?)?$"
)
_DAY_OR_MONTH_FIRST = re.compile(
    r"(\d{1,2})([/.-])(\d{1,2})[/.-](\d{4}|\d{2})(?:(\s+)\d{1,2}:\d{2}(:\d{2})?(?:\s*([AaPp][Mm]))?)?$"
)
_EXPECTED = "expected {} since 1970 or ISO 8601 (2020-09-13T12:43:20Z), until 2099".format


class TimeRule(NamedTuple):
    """How the timestamps of a log are written.

    Args:
        unit: of numbers; None is seconds, and numbers that look like days (``20200913``) are rejected.
        format: of text, as in ``datetime.strptime``: ``%d/%m/%Y``. Numbers are then text as well.
        settable: whether these come from settings of the reader, which messages then name; a unit in which
            the number lies in 1970, but in another one after 1994, is rejected.
    """

    unit: TimestampUnit | None = "s"
    format: str | None = None
    settable: bool = False


def time_rule(unit: TimestampUnit | None, format: str | None) -> TimeRule:
    """What a reader's settings ``timestamp_unit`` and ``timestamp_format`` say.

    Raises:
        InputError: an unknown unit, a format without directives, or both are given.
    """
    if unit is not None and unit not in _PER_SECOND:
        raise InputError(
            f"timestamp_unit is {unit!r}, expected {', '.join(_PER_SECOND)} or null for seconds."
        )
    if format is not None and not _is_format(format):
        raise InputError(
            f"timestamp_format is {format!r}, expected what datetime.strptime reads: '%d/%m/%Y %H:%M'."
        )
    if unit is not None and format is not None:
        raise InputError("timestamp_unit is for numbers and timestamp_format for text; set one of them.")
    return TimeRule(unit, format, settable=True)


def read_times(given: pl.Series, rule: TimeRule) -> tuple[pl.Series, pl.Series]:
    """Seconds since 1970, and what is wrong.

    Args:
        given: [N] numbers, text, dates or points in time. Null, NaN and blank are missing.
        rule: how they are written.

    Returns:
        [N] Int64, null where one is missing or wrong; [N] String, verb phrases that follow "row 3", null
        where nothing is wrong.
    """
    if given.dtype in (pl.Date, pl.Datetime):
        seconds = given.cast(pl.Datetime("us", getattr(given.dtype, "time_zone", None))).dt.epoch("s")
        missing, bad = given.is_null(), ~_in_range(seconds)
    elif given.dtype in _TEXTS or rule.format:
        text = given.cast(pl.String).str.strip_chars()
        if given.dtype.is_float():
            text = text.str.strip_suffix(".0")
        missing = text.is_in(["", "nan", "NaN", "NAN"]).fill_null(True)
        seconds, bad = _formatted(text, rule.format) if rule.format else _of_text(text, missing, rule)
    elif given.dtype.is_numeric() or given.dtype == pl.Null:
        decimal = given.cast(pl.Float64)
        missing = (decimal.is_null() | decimal.is_nan()).fill_null(True)
        whole = given.cast(pl.Int64, strict=False) if given.dtype.is_integer() else None
        seconds, bad = _of_numbers(whole, decimal, rule)
    else:
        seconds, missing = pl.repeat(None, given.len(), dtype=pl.Int64, eager=True), given.is_null()
        bad = ~missing
    bad = bad.fill_null(True) & ~missing
    faults: list[str | None] = [None] * given.len()
    for place in bad.arg_true():
        faults[place] = _fault(given[place], rule)
    return seconds.set(bad | missing, None), pl.Series("fault", faults, dtype=pl.String)


def _of_text(text: pl.Series, missing: pl.Series, rule: TimeRule) -> tuple[pl.Series, pl.Series]:
    decimal = text.cast(pl.Float64, strict=False)
    seconds, bad = _of_numbers(text.cast(pl.Int64, strict=False), decimal, rule)
    others = decimal.is_null() & ~missing
    if not others.any():
        return seconds, bad
    written = _of_iso(text.filter(others))
    places = others.arg_true()
    return seconds.scatter(places, written), bad.scatter(places, ~_in_range(written))


def _of_numbers(whole: pl.Series | None, decimal: pl.Series, rule: TimeRule) -> tuple[pl.Series, pl.Series]:
    """Whole numbers are divided as such: a float64 does not hold all nanoseconds."""
    per = _PER_SECOND[rule.unit or "s"]
    finite = decimal.set(~decimal.is_finite().fill_null(False), None)
    seconds = (finite / per).floor().cast(pl.Int64, strict=False)
    if whole is not None:
        seconds = (whole // per).zip_with(whole.is_not_null(), seconds)
    bad = ~_in_range(seconds)
    if rule.settable and rule.unit is None:
        bad |= _is_day(finite)
    elif rule.settable:
        likely = [_is_likely(finite / other) for unit, other in _PER_SECOND.items() if unit != rule.unit]
        for found in likely:
            bad |= (seconds < _YEAR) & found
    return seconds, bad


def _of_iso(text: pl.Series) -> pl.Series:
    """Seconds since 1970 of ISO 8601; null where it is something else, or no time that exists."""
    parts = text.str.replace(_COMPACT, "$1-$2-${3}T$4:$5:$6").str.extract_groups(_ISO).struct.unnest()
    two = {
        name: pl.col(name).fill_null("0").str.zfill(2)
        for name in ("month", "day", "hour", "minute", "second")
    }
    moment = pl.format("{}-{}-{}T{}:{}:{}", pl.col("year"), *two.values())
    offset = pl.col("hours").cast(pl.Int64) * 3600 + pl.col("minutes").fill_null("0").cast(pl.Int64) * 60
    away = pl.when(pl.col("sign") == "-").then(-offset).otherwise(offset).fill_null(0)
    utc = moment.str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False, time_unit="us").dt.epoch("s")
    return parts.select(pl.when(away.abs() <= 15 * 3600).then(utc - away).alias("seconds"))["seconds"]


def _formatted(text: pl.Series, format: str) -> tuple[pl.Series, pl.Series]:
    try:
        seconds = text.str.to_datetime(format, strict=False, time_unit="us").dt.epoch("s")
    except pl.exceptions.PolarsError as error:
        raise InputError(
            f"timestamp_format {format!r} cannot be used ({str(error).splitlines()[0]}); the directives are "
            "those of Python's datetime.strptime."
        ) from None
    return seconds, ~_in_range(seconds)


def _in_range(seconds: pl.Series) -> pl.Series:
    """False where it is null."""
    return seconds.is_between(0, LATEST).fill_null(False)


def _is_likely(seconds: pl.Series) -> pl.Series:
    return seconds.is_between(_EARLIEST_LIKELY, LATEST).fill_null(False)


def _is_day(number: pl.Series) -> pl.Series:
    """Whether a number reads as a day: 20200913."""
    month, day = number // 100 % 100, number % 100
    years = number.is_between(1970_01_01, 2099_12_31) & (number == number.floor())
    return (years & month.is_between(1, 12) & day.is_between(1, 31)).fill_null(False)


def _fault(value: object, rule: TimeRule) -> str:
    """What is wrong with one value, and what it looks like."""
    shown = f"has timestamp {value[:_SHOWN]!r}" if isinstance(value, str) else f"has timestamp {value}"
    look = _look(str(value).strip()[: 2 * _SHOWN], rule)
    if look is None:
        if rule.format:
            return f"{shown}, expected timestamp_format {rule.format!r} and the years 1970 to 2099"
        return f"{shown}, {_EXPECTED(_WORDS[rule.unit or 's'])}"
    meaning, setting = look
    return f"{shown}, {meaning}" + (f": set {setting}" if rule.settable else "")


def _look(text: str, rule: TimeRule) -> tuple[str, str] | None:
    """What a value looks like, and the setting that reads it."""
    if rule.format:
        return None
    order = _DAY_OR_MONTH_FIRST.match(text)
    if order:
        return _day_or_month_first(*order.groups())
    try:
        number = float(text)
    except ValueError:
        return None
    if rule.unit in (None, "s") and re.fullmatch(r"\d{8}|\d{14}", text.removesuffix(".0")):
        format = "%Y%m%d" if number < 1e8 else "%Y%m%d%H%M%S"
        if _exists(text.removesuffix(".0"), format):
            return "which looks like a day", f"timestamp_format: '{format}'"
    for unit, per in _PER_SECOND.items():
        if unit != (rule.unit or "s") and _EARLIEST_LIKELY <= number / per <= LATEST:
            return f"which looks like {_WORDS[unit]} since 1970", f"timestamp_unit: {unit}"
    return None


def _day_or_month_first(
    first: str, sign: str, second: str, year: str, blank: str | None, seconds: str | None, half: str | None
) -> tuple[str, str]:
    clock = f"{blank}%{'I' if half else 'H'}:%M{':%S' if seconds else ''}{' %p' if half else ''}"
    rest = f"{sign}%{'Y' if len(year) == 4 else 'y'}{clock if blank else ''}"
    can = [f"'%d{sign}%m{rest}'"] * (int(second) <= 12) + [f"'%m{sign}%d{rest}'"] * (int(first) <= 12)
    meaning = "in which day and month may stand in either order" if len(can) > 1 else "which is no ISO 8601"
    return meaning, f"timestamp_format: {' or '.join(can) or '...'}"


def _is_format(format: str) -> bool:
    """Whether it reads the day that it writes."""
    moment = datetime(2020, 9, 13, 12, 43, 20, tzinfo=timezone.utc)
    try:
        return "%" in format and bool(datetime.strptime(moment.strftime(format), format))
    except ValueError:
        return False


def _exists(text: str, format: str) -> bool:
    try:
        return bool(datetime.strptime(text, format))
    except ValueError:
        return False
