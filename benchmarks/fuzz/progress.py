"""How far a run is, how fast, and how long it will take."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TextIO

#: Seconds between two lines.
_EVERY = 10.0


class Progress:
    """Lines on a stream, a few a minute.

    Args:
        counts: kind to its number of cases, in order.
        out: where they go.
    """

    def __init__(self, counts: Mapping[str, int], out: TextIO) -> None:
        self.counts = counts
        self._out = out
        self._begun = time.monotonic()
        self._told = 0.0
        self._kind, self._since, self._done = "", self._begun, 0

    def say(self, line: str) -> None:
        print(line, file=self._out, flush=True)

    def start(self, kind: str) -> None:
        """The next kind."""
        self._kind, self._since, self._done = kind, time.monotonic(), 0

    def step(self, findings: int) -> None:
        """One case more."""
        self._done += 1
        now, count = time.monotonic(), self.counts[self._kind]
        if now - self._told < _EVERY and self._done < count:
            return
        self._told = now
        rate = self._done / max(now - self._since, 1e-9)
        left = _clock((count - self._done) / rate)
        self.say(
            f"{self._kind} {self._done:,} of {count:,}, {rate:.1f}/s, {left} left; "
            f"{findings:,} findings so far, {self.elapsed} gone"
        )

    @property
    def elapsed(self) -> str:
        return _clock(time.monotonic() - self._begun)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
