"""Long pieces of work on standard error: bars in a terminal, and at most one line a minute elsewhere.

Both say how much is done, the rate and the time left. Whoever does the work opens a piece with :func:`piece`
and need not know who shows it: the :class:`Bars` that are open in this process do, else bars of its own.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from userip_lightning.pace import Clock, Pace

#: Seconds between two updates of a terminal, and between two lines of a log.
LIVE_PERIOD, LOG_PERIOD = 0.2, 60.0

_open: list[Bars] = []  # the innermost is the last
_Own = TypeVar("_Own", bound="Bars")


class _Counted(ProgressColumn):
    """Done and total, as far as they are known."""

    def render(self, task: Task) -> Text:
        if task.total is None:
            return Text(f"{task.completed:,.0f}" if task.completed else "")
        return Text(f"{task.completed:,.0f}/{task.total:,.0f}")


class Bars:
    """Shows pieces of work; use it as a context manager.

    Args:
        console: where; the default is standard error.
        clock: seconds.
    """

    def __init__(self, console: Console | None = None, clock: Clock = time.monotonic) -> None:
        self.console = console or Console(stderr=True)
        self.live = self.console.is_terminal and not self.console.quiet
        self.clock = clock
        self.pieces: list[Piece] = []  # that are open, the outer ones first
        self.drawn = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            _Counted(),
            TextColumn("{task.fields[pace]}", markup=False),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            console=self.console,
            redirect_stdout=sys.stdout.isatty(),  # what a program reads is left alone
            disable=not self.live,
        )
        self._shown = clock()

    def __enter__(self: _Own) -> _Own:
        self._shown = self.clock()
        self.drawn.start()
        _open.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _open.remove(self)
        self.drawn.stop()

    def notice(self, text: str) -> None:
        """Print a line, above the bars where there are some; the next line about progress waits for it."""
        self._shown = self.clock()
        self.console.print(text, highlight=False, markup=False, emoji=False, soft_wrap=True)

    def due(self) -> bool:
        """Whether it is time to show progress again."""
        return self.clock() - self._shown >= (LIVE_PERIOD if self.live else LOG_PERIOD)

    def line(self) -> None:
        """Print where all open pieces stand, in one line."""
        self.notice("; ".join(words for one in tuple(self.pieces) if (words := one.words())))


class Piece:
    """One piece of work; call :meth:`at` as often as you like. A piece may lie within another.

    Args:
        bars: that show it.
        what: is done, in words.
        unit: of what is counted, where the words do not say.
    """

    def __init__(self, bars: Bars, what: str, unit: str = "") -> None:
        self._bars, self._what, self._unit = bars, what, unit
        self._total: float | None = None
        self._note, self._shown = "", -LIVE_PERIOD
        self._told = False
        self._task: TaskID = bars.drawn.add_task(what, total=None, pace="", note="")
        bars.pieces.append(self)
        self.begin(0)

    def begin(self, done: float) -> None:
        """The rate is measured from here."""
        self._pace, self._done = Pace(done, self._bars.clock), done

    def due(self) -> bool:
        """Whether :meth:`at` would show anything; ask where its arguments are costly."""
        if self._bars.live:  # a bar of its own
            return self._bars.clock() - self._shown >= LIVE_PERIOD
        return self._bars.due()

    def at(self, done: float, total: float | None = None, note: str = "") -> None:
        """So much is done; it is shown when it is time."""
        if done < self._done:  # another part of the work, counted from its start
            self.begin(done)
        self._done, self._total, self._note, self._told = done, total, note, True
        if not self.due():
            return
        self._shown = self._bars.clock()
        if self._bars.live:
            pace = self._pace.words(done, total, self._unit)
            self._bars.drawn.update(self._task, completed=done, total=total, pace=pace, note=note)
        else:
            self._bars.line()

    def words(self) -> str:
        """Where it stands; empty where nothing has been told of it."""
        if not self._told:
            return ""
        counted = f"{self._done:,.0f}" + ("" if self._total is None else f"/{self._total:,.0f}")
        counted += self._unit and f" {self._unit}"
        pace = self._pace.words(self._done, self._total, self._unit)
        return f"{self._what}: {', '.join(part for part in (counted, pace, self._note) if part)}"

    def end(self) -> None:
        """It is done, or given up."""
        self._bars.pieces.remove(self)
        self._bars.drawn.remove_task(self._task)


@contextmanager
def piece(what: str, unit: str = "") -> Iterator[Piece]:
    """A piece of work that lasts as long as the block; arguments as :class:`Piece`."""
    with ExitStack() as until_done:
        bars = _open[-1] if _open else until_done.enter_context(Bars())
        own = Piece(bars, what, unit)
        until_done.callback(own.end)
        yield own


def say(text: str) -> None:
    """Print a line on standard error, above the bars that are open."""
    (_open[-1] if _open else Bars()).notice(text)
