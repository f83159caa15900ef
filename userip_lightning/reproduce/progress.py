"""Where a study stands: rows done, failed and kept, those being trained now, and how long it will take.

On a terminal a live table, elsewhere a line per row.
"""

from __future__ import annotations

import threading
import time

from rich.console import Console
from rich.progress import TaskID

from userip_lightning.pipeline.progress import Display
from userip_lightning.reproduce.task import Outcome


class StudyDisplay(Display):
    """A display that also counts rows, which several threads may start and end at once.

    Args:
        console: where to show it; the default is standard error.
    """

    def __init__(self, console: Console | None = None) -> None:
        super().__init__(console)
        self._lock = threading.Lock()
        self._lines: dict[str, TaskID] = {}
        self._rows = 0
        self._counts = {"done": 0, "kept": 0, "failed": 0, "not run": 0}
        self._started = time.monotonic()
        self._progress.update(self._overall, description="rows")

    def begin(self, table: str, number: int, of: int) -> None:
        """The ``number``-th of ``of`` tables begins: rows are counted from here."""
        self._counts = dict.fromkeys(self._counts, 0)
        self._started = time.monotonic()
        self._progress.reset(self._overall, description=f"{table} ({number} of {of}), rows", note="")
        self.notice(f"{table}, {number} of {of} tables and figures")

    def expect(self, runs: int) -> None:
        """Say how many rows the study has."""
        self._rows = runs
        super().expect(runs)

    def finish(self, text: str) -> None:
        """A run of stage 1 or 2 is done; rows are counted by :meth:`row_ended`."""
        if self._current is not None:
            self._progress.remove_task(self._current)
            self._current = None
        self.notice(text)

    def row_started(self, label: str) -> None:
        """A row is being tuned and trained."""
        with self._lock:
            self._lines[label] = self._progress.add_task(f"  {label}", total=None, note="")

    def row_ended(self, label: str, outcome: Outcome) -> None:
        """A row is done, kept, failed or not run."""
        with self._lock:
            line = self._lines.pop(label, None)
            if line is not None:
                self._progress.remove_task(line)
            state, detail = _state(outcome)
            self._counts[state] += 1
            note = ", ".join(f"{count} {name}" for name, count in self._counts.items() if count)
            self._progress.update(self._overall, advance=1, note=note)
            ended = sum(self._counts.values())
            if not self.live or state in ("failed", "not run"):
                self.notice(f"[{ended}/{self._rows}{self._left(ended)}] {label}: {detail}")

    def _left(self, ended: int) -> str:
        """Minutes that the other rows will take, judged by those that were trained."""
        trained = self._counts["done"]
        if not trained or ended >= self._rows:
            return ""
        per_row = (time.monotonic() - self._started) / trained
        return f", {per_row * (self._rows - ended) / 60:.0f} min left"


def _state(outcome: Outcome) -> tuple[str, str]:
    """One of the counted states, and the row's end in words."""
    if outcome.not_run is not None:
        return "not run", f"not run: {outcome.not_run}"
    if outcome.failed is not None:
        return "failed", f"failed: {outcome.failed}"
    auc = "" if outcome.validation_auc is None else f", validation AUC {outcome.validation_auc:.4f}"
    if not outcome.trained:
        return "kept", f"nothing changed, kept{auc}"
    return "done", f"done{auc}"
