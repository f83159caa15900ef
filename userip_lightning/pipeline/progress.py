"""One progress display for a whole experiment: all runs above, the current run's steps below."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, TypeVar

from lightning.pytorch import Callback, LightningModule, Trainer
from rich.console import Console

from userip_lightning.pace import Clock, duration
from userip_lightning.pipeline.quiet import quiet
from userip_lightning.progress_bars import Bars, Piece

_RECENT = 5  # runs that the time left is judged by
_Own = TypeVar("_Own", bound="Display")


class Display(Bars):
    """Shows where an experiment stands, and keeps libraries quiet; use it as a context manager.

    Args:
        console: where to show it; the default is standard error.
        clock: seconds.
    """

    counts_runs = True  # else a subclass counts something that runs are part of

    def __init__(self, console: Console | None = None, clock: Clock = time.monotonic) -> None:
        super().__init__(console, clock)
        self._overall = self.drawn.add_task("experiment", total=None, visible=False, pace="", note="")
        self._current: Piece | None = None
        self._until_done = ExitStack()
        self._runs = self._ended = 0
        self._last, self._took = clock(), deque[float](maxlen=_RECENT)
        self._counting = threading.Lock()  # runs side by side end in threads

    def __enter__(self: _Own) -> _Own:
        self._until_done.enter_context(quiet())
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self._until_done.close()

    def expect(self, runs: int) -> None:
        """Say how many runs the experiment has."""
        self._runs, self._last = runs, self.clock()
        self.drawn.update(self._overall, total=runs, visible=True)

    @contextmanager
    def running(self, label: str) -> Iterator[Piece]:
        """A run lasts as long as the block, and its bar no longer, even if it fails."""
        self._forget_current()
        try:
            yield self.working(label)
        finally:
            self._forget_current()

    def working(self, label: str) -> Piece:
        """What shows the current run; new where none was started."""
        if self._current is None:
            self._current = Piece(self, label)
        return self._current

    def finish(self, text: str) -> None:
        """The current run is done."""
        with self._counting:
            self._took.append(self.clock() - self._last)
            self._end(text)

    def keep(self, label: str) -> None:
        """A run was done before, with the same settings: nothing is done for it."""
        with self._counting:
            self._end(f"{label}: nothing changed, kept")

    def _end(self, text: str) -> None:
        self._forget_current()
        if not self.counts_runs:
            self.notice(text)
            return
        self._ended, self._last = self._ended + 1, self.clock()
        left = self._left()
        self.drawn.update(self._overall, advance=1, pace=left)
        counted = (
            f"[{self._ended}/{self._runs}{left and ', ' + left}] " if self._runs and not self.live else ""
        )
        self.notice(counted + text)

    def _left(self) -> str:
        """Time that the other runs take, judged by the last ones."""
        waiting = self._runs - self._ended
        if not self._took or waiting < 1:
            return ""
        return f"{duration(waiting * sum(self._took) / len(self._took))} left"

    def _forget_current(self) -> None:
        if self._current is not None:
            self._current.end()
            self._current = None


class StepProgress(Callback):
    """Shows a Trainer's steps.

    Args:
        display: where.
        label: of the run.
    """

    def __init__(self, display: Display, label: str) -> None:
        self._display, self._label = display, label
        self._training = display.working(label)
        self._evaluation: Piece | None = None
        self._measured = False

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The rate is measured from the end of the first step, which also warms up."""
        self._measured = False

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """See Lightning."""
        per_epoch = int(trainer.num_training_batches)
        done = trainer.current_epoch * per_epoch + batch_idx + 1
        if not self._measured:
            self._training.begin(done)
            self._measured = True
        if not self._training.due():
            return
        total = trainer.max_epochs * per_epoch if trainer.max_epochs and trainer.max_epochs > 0 else None
        # Reading a loss waits for the device: only when something is shown.
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        note = "" if loss is None else f", loss {float(loss):.4f}"
        self._training.at(done, total, f"epoch {trainer.current_epoch + 1}{note}")

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """See Lightning."""
        self._evaluation = Piece(self._display, f"{self._label}, validation")

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """See Lightning."""
        self._evaluation = Piece(self._display, f"{self._label}, test")

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """See Lightning."""
        self._evaluated()

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """See Lightning."""
        self._evaluated()

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """See Lightning."""
        self._evaluating(batch_idx + 1, trainer.num_val_batches, dataloader_idx)

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """See Lightning."""
        self._evaluating(batch_idx + 1, trainer.num_test_batches, dataloader_idx)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """See Lightning."""
        self._evaluated()

    def _evaluating(self, done: int, totals: list[int | float], loader: int) -> None:
        if self._evaluation is not None:
            self._evaluation.at(sum(totals[:loader]) + done, sum(totals))

    def _evaluated(self) -> None:
        if self._evaluation is not None:
            self._evaluation.end()
            self._evaluation = None
