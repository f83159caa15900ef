"""How fast a piece of work goes and how long it still takes, in words."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], float]
_PERIODS = ("s", 1), ("min", 60), ("h", 3600)


class Pace:
    """The speed of a piece of work, on average since it began.

    Args:
        done: how much of it was done before, such as steps of an earlier run that is resumed.
        clock: seconds.
    """

    def __init__(self, done: float = 0, clock: Clock = time.monotonic) -> None:
        self._clock, self._before, self._began = clock, done, clock()

    def words(self, done: float, total: float | None, unit: str = "") -> str:
        """Rate and time left, such as ``4.1/s, 2 min left``; empty where nothing is known yet.

        Args:
            done: so far, what was done before included.
            total: where it is known.
            unit: of both, for the rate.
        """
        passed, gained = self._clock() - self._began, done - self._before
        if passed <= 0 or gained <= 0:
            return ""
        said = rate(gained / passed, unit)
        return said if total is None else f"{said}, {duration((total - done) * passed / gained)} left"


def rate(per_second: float, unit: str = "") -> str:
    """A rate per second, or per minute or hour where it is below one."""
    period, seconds = next((per for per in _PERIODS if per_second * per[1] >= 1), _PERIODS[-1])
    value = per_second * seconds
    return f"{f'{value:,.0f}' if value >= 9.95 else f'{value:.1f}'}{unit and ' ' + unit}/{period}"


def duration(seconds: float) -> str:
    """Seconds below a minute, minutes below an hour, then hours and minutes."""
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
