"""Processes that train rows, one thread each, while this one goes on with the next stage.

A row whose process dies (killed for want of memory, say) fails alone: its thread starts another process for
the next row. concurrent.futures gives up a whole pool when one process dies, and cannot say whose row it was.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.connection import Connection
from types import TracebackType

import torch

from userip_lightning.reproduce.progress import StudyDisplay
from userip_lightning.reproduce.task import Outcome, Task
from userip_lightning.reproduce.work import run_row


class Pool:
    """Trains rows in processes; use it as a context manager, which waits for all of them.

    Args:
        workers: number of processes; 0 trains every row at once in this one.
        display: is told when a row starts and ends.
    """

    def __init__(self, workers: int, display: StudyDisplay) -> None:
        self.workers = workers
        self.display = display
        self._threads = ThreadPoolExecutor(max(1, workers))
        self._own = threading.local()
        self._processes: list[_Worker] = []
        self._abandoned = False

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._abandoned = kind is not None
        self._threads.shutdown(wait=kind is None, cancel_futures=kind is not None)
        for worker in self._processes:
            worker.stop()

    def train(self, task: Task) -> Future[Outcome]:
        """Start a row, or let it wait for its turn."""
        if self.workers:
            return self._threads.submit(self._train, task)
        done: Future[Outcome] = Future()
        done.set_result(self._train(task))
        return done

    def _train(self, task: Task) -> Outcome:
        self.display.row_started(task.label)
        outcome = self._worker().train(task) if self.workers else run_row(task)
        if not self._abandoned:  # else it was this process that ended the row's
            self.display.row_ended(task.label, outcome)
        return outcome

    def _worker(self) -> _Worker:
        """The living process of this thread."""
        worker: _Worker | None = getattr(self._own, "worker", None)
        if worker is None or not worker.process.is_alive():
            worker = self._own.worker = _Worker()
            self._processes.append(worker)
        return worker


class _Worker:
    """One spawned process; a forked one would inherit the locks of this process's threads."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()

    def train(self, task: Task) -> Outcome:
        """Let the process do it."""
        try:
            self._ours.send(task)
            outcome: Outcome = self._ours.recv()
        except (EOFError, OSError):
            self.process.join()
            return Outcome(
                failed=f"its process ended with exit code {self.process.exitcode}, perhaps for want of "
                "memory; run the same command again, with fewer workers."
            )
        return outcome

    def stop(self) -> None:
        """End the process, whatever it does."""
        self.process.kill()
        self.process.join()


def _serve(connection: Connection) -> None:
    """What a process does: one row after another."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches the parent too, which then ends this one
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    while True:
        try:
            task = connection.recv()
        except EOFError:
            return
        connection.send(run_row(task))


def _end_with_parent() -> None:
    """A parent that was killed leaves nobody behind who writes into its folders."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
