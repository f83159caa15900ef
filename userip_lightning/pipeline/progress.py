"""One progress display for a whole experiment: all runs above, the current run's steps below.

On a terminal it is a live Rich display; elsewhere (a log file, CI) plain lines, at most one in ten seconds.
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

#: Seconds between two updates: reading a loss waits for the device, printing fills a log.
LIVE_PERIOD, PLAIN_PERIOD = 0.2, 10.0


class Display:
    """Shows where an experiment stands, on standard error; use it as a context manager.

    Args:
        console: where to show it; the default is standard error.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        self.live = self.console.is_terminal
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self.console,
            disable=not self.live,
        )
        self._overall = self._progress.add_task("experiment", total=None, note="")
        self._current: TaskID | None = None
        self._shown = 0.0

    def __enter__(self) -> Display:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def notice(self, text: str) -> None:
        """Print a line above the bars."""
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def expect(self, runs: int) -> None:
        """Say how many runs the experiment has."""
        self._progress.update(self._overall, total=runs)

    def start(self, label: str) -> None:
        """A run begins."""
        self._current = self._progress.add_task(label, total=None, note="")
        self._shown = time.monotonic()
        if not self.live:
            self.notice(f"{label}: started")

    def step(self, label: str, done: int, total: int | None, note: str) -> None:
        """The current run has done ``done`` of ``total`` steps; call it when :meth:`due`."""
        self._shown = time.monotonic()
        if self._current is not None:
            self._progress.update(self._current, description=label, completed=done, total=total, note=note)
        if not self.live:
            self.notice(f"{label}: {done}/{total or '?'} {note}".rstrip())

    def due(self) -> bool:
        """Whether it is time for another :meth:`step`."""
        return time.monotonic() - self._shown >= (LIVE_PERIOD if self.live else PLAIN_PERIOD)

    def finish(self, text: str) -> None:
        """The current run, or one that need not run, is done."""
        if self._current is not None:
            self._progress.remove_task(self._current)
            self._current = None
        self._progress.advance(self._overall)
        self.notice(text)


class StepProgress(Callback):
    """Reports a Trainer's steps to a :class:`Display`."""

    def __init__(self, display: Display, label: str) -> None:
        self.display = display
        self.label = label

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if not self.display.due():
            return
        per_epoch = int(trainer.num_training_batches)
        done = trainer.current_epoch * per_epoch + batch_idx + 1
        total = trainer.max_epochs * per_epoch if trainer.max_epochs and trainer.max_epochs > 0 else None
        # Reading a loss waits for the device: only when something is shown.
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        note = "" if loss is None else f"loss {float(loss):.4f}"
        self.display.step(f"{self.label} epoch {trainer.current_epoch + 1}", done, total, note)

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        self._evaluation("validation", batch_idx, trainer.num_val_batches)

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        self._evaluation("test", batch_idx, trainer.num_test_batches)

    def _evaluation(self, what: str, batch: int, totals: list[int | float]) -> None:
        if self.display.due():
            self.display.step(f"{self.label} {what}", batch + 1, int(sum(totals)), "")
