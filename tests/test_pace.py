"""Rates and times in words."""

import pytest

from userip_lightning.pace import Pace, duration, rate


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("per_second", "unit", "said"),
    [
        (1234.4, "", "1,234/s"),
        (10, "", "10/s"),
        (4.12, "", "4.1/s"),
        (0.5, "", "30/min"),
        (0.02, "", "1.2/min"),
        (0.001, "", "3.6/h"),
        (0.0001, "", "0.4/h"),
        (310.2, "MB", "310 MB/s"),
    ],
)
def test_rate(per_second, unit, said):
    assert rate(per_second, unit) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (3569, "59 min"),
        (3571, "1 h 0 min"),
        (94_000, "26 h 7 min"),
    ],
)
def test_duration(seconds, said):
    assert duration(seconds) == said


def test_time_left_follows_from_the_mean_rate():
    clock = Clock()
    pace = Pace(clock=clock)
    assert pace.words(0, 100) == ""
    clock.now = 10
    assert pace.words(20, 100) == "2.0/s, 40 s left"
    assert pace.words(20, None) == "2.0/s"


def test_what_was_done_before_does_not_count_for_the_rate():
    clock = Clock()
    pace = Pace(80, clock)
    clock.now = 10
    assert pace.words(90, 100) == "1.0/s, 10 s left"
