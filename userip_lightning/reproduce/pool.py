"""Trains rows side by side, while this process goes on with the next stage."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType

from userip_lightning.pipeline.worker_pool import WorkerDied, WorkerPool
from userip_lightning.reproduce.progress import StudyDisplay
from userip_lightning.reproduce.row_task import Outcome, Task
from userip_lightning.reproduce.train_row import run_row


class Pool:
    """Trains rows in processes; use it as a context manager, which waits for all of them.

    Args:
        workers: number of processes; 0 trains every row at once in this one.
        display: is told when a row starts and ends.
    """

    def __init__(self, workers: int, display: StudyDisplay) -> None:
        self.workers = workers
        self.display = display
        self._pool = WorkerPool(max(1, workers), run_row)

    def __enter__(self) -> Pool:
        self._pool.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.__exit__(kind, error, trace)

    def train(self, task: Task) -> Future[Outcome]:
        """Start a row, or let it wait for its turn."""
        if self.workers:
            return self._pool.submit(lambda row: self._train(task, row))
        done: Future[Outcome] = Future()
        done.set_result(self._train(task, run_row))
        return done

    def _train(self, task: Task, run: Callable[[Task], Outcome]) -> Outcome:
        self.display.row_started(task.label)
        try:
            outcome = run(task)
        except WorkerDied as error:
            outcome = Outcome(failed=str(error))
        if not self._pool.abandoned:  # else it was this process that ended the row's
            self.display.row_ended(task.label, outcome)
        return outcome
