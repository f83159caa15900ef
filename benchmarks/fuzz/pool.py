"""Workers that may die, hang or run out of memory: each of these is an outcome, and the next case goes on."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterable, Iterator
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import NamedTuple

from benchmarks.fuzz.case import DIED, HANGS, Outcome
from benchmarks.fuzz.worker import Task, work

#: Seconds between two looks at the clock.
_LOOK = 0.2
_LAST_WORDS = 2000


class Limits(NamedTuple):
    """What a case may take.

    Args:
        seconds: until it counts as hanging; opening a kind in a fresh worker may take ``opening`` more.
        memory: bytes beyond what its kind takes.
        opening: seconds.
    """

    seconds: float = 60.0
    memory: int = 2 << 30
    opening: float = 240.0


class Worker:
    """One process and the end of the pipe to it."""

    def __init__(self, number: int, home: Path) -> None:
        self.log = home / f"worker{number}.log"
        self.scratch = home / f"scratch{number}"
        self.task: Task | None = None
        self.since = 0.0
        self._start()

    def ask(self, task: Task) -> None:
        self.task, self.since = task, time.monotonic()
        self.connection.send(task)

    def end(self) -> None:
        """Kill it; it holds nothing that is worth a farewell."""
        self.process.kill()
        self.process.join()
        self.connection.close()

    def replace(self) -> None:
        """A fresh process in its place."""
        self.end()
        self._start()

    def last_words(self) -> str:
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.is_file() else ""
        return text[-_LAST_WORDS:]

    def _start(self) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["lightning.pytorch", work.__module__])
        self.connection, theirs = context.Pipe()
        self.opened: set[str] = set()
        self.process: ForkServerProcess = context.Process(
            target=work, args=(theirs, self.log, dict(os.environ)), daemon=True
        )
        self.process.start()
        theirs.close()


class Pool:
    """Some workers.

    Args:
        size: how many.
        home: folder for their scratch and logs.
        limits: of a case.
    """

    def __init__(self, size: int, home: Path, limits: Limits) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.limits = limits
        self._workers = [Worker(number, home) for number in range(size)]

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.end()

    def build(self, kind: str, folder: Path, seconds: float = 3600.0) -> None:
        """Make what a kind's cases start from.

        Raises:
            RuntimeError: that failed.
        """
        worker = self._workers[0]
        worker.ask(Task(kind, folder, None, worker.scratch, 0))
        if not worker.connection.poll(seconds):
            raise RuntimeError(f"{kind}: its start was not made in {seconds:g} s.")
        try:
            worker.connection.recv()
        except EOFError:
            worker.process.join()
            raise RuntimeError(f"{kind}: its start could not be made.\n{worker.last_words()}") from None
        worker.task = None

    def run(self, kind: str, folder: Path, seeds: Iterable[int]) -> Iterator[tuple[int, Outcome, Path]]:
        """Seeds and their outcomes as they come, with the folder that a finding's case has left."""
        waiting = iter(seeds)
        for worker in self._workers:
            self._next(worker, kind, folder, waiting)
        while busy := [worker for worker in self._workers if worker.task is not None]:
            ready = wait([worker.connection for worker in busy], timeout=_LOOK)
            for worker in busy:
                outcome = self._received(worker) if worker.connection in ready else self._overdue(worker)
                if outcome is None:
                    continue
                assert worker.task is not None
                assert worker.task.seed is not None
                yield worker.task.seed, outcome, worker.scratch
                self._next(worker, kind, folder, waiting)

    def _next(self, worker: Worker, kind: str, folder: Path, waiting: Iterator[int]) -> None:
        seed = next(waiting, None)
        if seed is None:
            worker.task = None
        else:
            worker.ask(Task(kind, folder, seed, worker.scratch, self.limits.memory))

    def _received(self, worker: Worker) -> Outcome | None:
        assert worker.task is not None
        try:
            outcome: Outcome = worker.connection.recv()
        except (EOFError, ConnectionResetError):
            worker.process.join()
            outcome = Outcome(DIED, "", _ended(worker.process.exitcode), trace=worker.last_words())
            worker.replace()
        else:
            worker.opened.add(worker.task.kind)
        return outcome

    def _overdue(self, worker: Worker) -> Outcome | None:
        assert worker.task is not None
        allowed = self.limits.seconds
        if worker.task.kind not in worker.opened:
            allowed += self.limits.opening
        if time.monotonic() - worker.since < allowed:
            return None
        stack = self._stack(worker)
        worker.replace()
        return Outcome(HANGS, "", f"more than {allowed:g} s", trace=stack)

    def _stack(self, worker: Worker) -> str:
        """Where a case that hangs is, as the interpreter writes it on this signal."""
        if worker.process.pid is not None:
            os.kill(worker.process.pid, signal.SIGUSR1)
        time.sleep(1.0)
        return worker.last_words()


def _ended(code: int | None) -> str:
    if code is not None and code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"
