"""Trains rows side by side, while this process goes on with the next stage."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from types import TracebackType

import torch

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
        self._submitted: list[Future[Outcome]] = []
        self._threads, self._cores = torch.get_num_threads(), os.cpu_count() or 1

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
            self._submitted.append(self._pool.submit(lambda row: self._train(task, row)))
            return self._submitted[-1]
        done: Future[Outcome] = Future()
        done.set_result(self._train(task, run_row))
        return done

    @contextmanager
    def beside(self) -> Iterator[None]:
        """Let this process use the cores that no row takes, at least one, until the block ends.

        With more threads than cores, those of one process wait for each other: beside two rows on two cores,
        a step of a language model took 14 s with two threads and 4 s with one.
        """
        self.share_cores()
        try:
            yield
        finally:
            torch.set_num_threads(self._threads)

    def share_cores(self) -> None:
        """Within :meth:`beside`, look again how many cores are free; rows have ended, or begun."""
        self._submitted = [row for row in self._submitted if not row.done()]
        free = self._cores - min(self.workers, len(self._submitted))
        torch.set_num_threads(max(1, min(self._threads, free)))

    def _train(self, task: Task, run: Callable[[Task], Outcome]) -> Outcome:
        self.display.row_started(task.label)
        try:
            outcome = run(task)
        except WorkerDied as error:
            outcome = Outcome(failed=str(error))
        if not self._pool.abandoned:  # else it was this process that ended the row's
            self.display.row_ended(task.label, outcome)
        return outcome
