"""Where a study stands: rows done, failed and kept, those being trained now, and how long it will take.

On a terminal a live table, elsewhere a line per row.
"""

from __future__ import annotations

import threading

from rich.console import Console
from rich.progress import TaskID

from userip_lightning.pace import duration
from userip_lightning.pipeline.progress import Display
from userip_lightning.reproduce.row_task import Outcome


class StudyDisplay(Display):
    """A display that also counts rows, which several threads may start and end at once.

    Args:
        console: where to show it; the default is standard error.
    """

    counts_runs = False

    def __init__(self, console: Console | None = None) -> None:
        super().__init__(console)
        self._lock = threading.Lock()
        self._lines: dict[str, TaskID] = {}
        self._counts = {"done": 0, "kept": 0, "failed": 0, "not run": 0}
        self._started = self.clock()
        self.drawn.update(self._overall, description="rows", visible=True)

    def begin(self, table: str, number: int, of: int) -> None:
        """The ``number``-th of ``of`` tables begins: rows are counted from here."""
        self._counts = dict.fromkeys(self._counts, 0)
        self._started = self.clock()
        self.drawn.reset(self._overall, description=f"{table} ({number} of {of}), rows", pace="", note="")
        self.notice(f"{table}, {number} of {of} tables and figures")

    def row_started(self, label: str) -> None:
        """A row is being tuned and trained."""
        with self._lock:
            self._lines[label] = self.drawn.add_task(f"  {label}", total=None, pace="", note="")

    def row_ended(self, label: str, outcome: Outcome) -> None:
        """A row is done, kept, failed or not run."""
        with self._lock:
            line = self._lines.pop(label, None)
            if line is not None:
                self.drawn.remove_task(line)
            state, detail = _state(outcome)
            self._counts[state] += 1
            note = ", ".join(f"{count} {name}" for name, count in self._counts.items() if count)
            ended = sum(self._counts.values())
            left = self._left_of_rows(ended)
            self.drawn.update(self._overall, advance=1, pace=left, note=note)
            if not self.live or state in ("failed", "not run"):
                self.notice(f"[{ended}/{self._runs}{left and ', ' + left}] {label}: {detail}")

    def _left_of_rows(self, ended: int) -> str:
        """Time that the other rows take, judged by those that were trained."""
        trained = self._counts["done"]
        if not trained or ended >= self._runs:
            return ""
        return f"{duration((self.clock() - self._started) / trained * (self._runs - ended))} left"


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
