"""One point in time, however it is written, and what a value looks like that is none."""

from datetime import date, datetime, timezone

import polars as pl
import pytest

from userip_lightning.data.parsing.times import TimeRule, read_times, time_rule
from userip_lightning.errors import InputError

MOMENT = 1_600_001_000  # 2020-09-13T12:43:20Z
GUESS = time_rule(None, None)


def read(value: object, rule: TimeRule = GUESS) -> tuple[int | None, str | None]:
    seconds, faults = read_times(pl.Series([value]), rule)
    assert seconds.dtype == pl.Int64
    return seconds[0], faults[0]


@pytest.mark.parametrize(
    "value",
    [
        MOMENT,
        float(MOMENT) + 0.9,
        str(MOMENT),
        f" {MOMENT}.5 ",
        "1.600001e9",
        "2020-09-13T12:43:20Z",
        "2020-09-13t12:43:20.999z",
        "2020-09-13T14:43:20+02:00",
        "2020-09-13T05:13:20-0730",
        "2020-09-13 13:43:20+01",
        "2020-09-13 12:43:20,5 UTC",
        "2020/9/13 12:43:20",
        "2020.09.13 12:43:20",
        "20200913T124320Z",
        datetime(2020, 9, 13, 12, 43, 20, 999_999),
        datetime(2020, 9, 13, 12, 43, 20, tzinfo=timezone.utc),
    ],
)
def test_a_moment_is_one_whatever_its_form(value: object) -> None:
    assert read(value) == (MOMENT, None)


@pytest.mark.parametrize("value", ["2020-09-13", "2020/09/13", date(2020, 9, 13), "2020-09-13T00:00Z"])
def test_a_day_is_its_first_second(value: object) -> None:
    assert read(value) == (1_599_955_200, None)


@pytest.mark.parametrize("dtype", [pl.Datetime("ms", "Europe/Berlin"), pl.Datetime("ns"), pl.Datetime("us")])
def test_columns_of_any_unit_and_zone_are_utc(dtype: pl.DataType) -> None:
    zone = "UTC" if dtype.time_zone else None
    moments = pl.Series([datetime(2020, 9, 13, 12, 43, 20)]).dt.replace_time_zone(zone).cast(dtype)
    assert read_times(moments, GUESS)[0].to_list() == [MOMENT]


@pytest.mark.parametrize("value", [None, "", " ", "NaN", float("nan")])
def test_what_is_missing_is_null_and_no_fault(value: object) -> None:
    assert read(value) == (None, None)


@pytest.mark.parametrize(
    ("value", "unit"),
    [(MOMENT * 1000 + 999, "ms"), (MOMENT * 10**6 + 999_999, "us"), (MOMENT * 10**9 + 999_999_999, "ns")],
)
def test_a_unit_is_set_or_named(value: int, unit: str) -> None:
    words = {"ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}[unit]
    for given in (value, str(value)):
        assert read(given, time_rule(unit, None)) == (MOMENT, None)
        seconds, fault = read(given)
        assert seconds is None
        assert fault is not None
        assert fault.endswith(f", which looks like {words} since 1970: set timestamp_unit: {unit}")
    assert read(MOMENT, time_rule(unit, None))[1] is not None
    assert "set timestamp_unit" not in str(read(value, TimeRule("s"))[1])


def test_nanoseconds_keep_their_last_second() -> None:
    """A float64 would round it up."""
    assert read(1_600_001_000_999_999_999, time_rule("ns", None)) == (MOMENT, None)
    assert read("1600001000999999999", time_rule("ns", None)) == (MOMENT, None)


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("01/02/2020", "in either order: set timestamp_format: '%d/%m/%Y' or '%m/%d/%Y'"),
        ("13.09.2020 12:43", "set timestamp_format: '%d.%m.%Y %H:%M'"),
        ("9/13/20 1:43:20 PM", "set timestamp_format: '%m/%d/%y %I:%M:%S %p'"),
        (20200913, "looks like a day: set timestamp_format: '%Y%m%d'"),
        ("20200913124320", "looks like a day: set timestamp_format: '%Y%m%d%H%M%S'"),
        ("2020-02-30", "expected seconds since 1970 or ISO 8601 (2020-09-13T12:43:20Z), until 2099"),
        ("2020-09-13T25:00", "expected seconds since 1970"),
        ("yesterday", "expected seconds since 1970"),
        ("inf", "expected seconds since 1970"),
        (-5, "expected seconds since 1970"),
        (datetime(1969, 1, 1), "expected seconds since 1970"),
        (datetime(2101, 1, 1), "expected seconds since 1970"),
        (True, "expected seconds since 1970"),
        ("x" * 1000, "expected seconds since 1970"),
    ],
)
def test_what_is_no_time_says_what_it_looks_like(value: object, hint: str) -> None:
    seconds, fault = read(value)
    assert seconds is None
    assert fault is not None
    assert fault.startswith("has timestamp ")
    assert hint in fault
    assert len(fault) < 250


@pytest.mark.parametrize(
    ("value", "format"),
    [
        ("13/09/2020 12:43:20", "%d/%m/%Y %H:%M:%S"),
        ("9/13/2020 12:43:20 PM", "%m/%d/%Y %I:%M:%S %p"),
        ("Sun Sep 13 12:43:20 +0000 2020", "%a %b %d %H:%M:%S %z %Y"),
        (20200913124320, "%Y%m%d%H%M%S"),
        (20200913124320.0, "%Y%m%d%H%M%S"),
    ],
)
def test_other_text_is_read_by_its_format(value: object, format: str) -> None:
    rule = time_rule(None, format)
    assert read(value, rule) == (MOMENT, None)
    assert read("2020-09-13", rule) == (
        None,
        f"has timestamp '2020-09-13', expected timestamp_format {format!r} and the years 1970 to 2099",
    )


def test_positions_and_a_column_of_several_forms() -> None:
    seconds, faults = read_times(pl.Series(["0", "7", "2020-09-13", str(MOMENT), "01/02/2020", None]), GUESS)
    assert seconds.to_list() == [0, 7, 1_599_955_200, MOMENT, None, None]
    assert faults.is_not_null().to_list() == [False] * 4 + [True, False]


@pytest.mark.parametrize(
    ("unit", "format"), [("h", None), (None, "day"), (None, "%d/%m/%Y %"), (None, "%K"), ("ms", "%Y")]
)
def test_settings_that_mean_nothing_are_refused(unit: str | None, format: str | None) -> None:
    with pytest.raises(InputError, match="timestamp_"):
        time_rule(unit, format)  # type: ignore[arg-type]  # what is refused
