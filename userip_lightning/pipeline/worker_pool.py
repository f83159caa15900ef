"""Processes that do work side by side, one thread each, while this one goes on.

Work whose process dies (killed for want of memory, say) fails alone: its thread starts another process for
the next piece. concurrent.futures gives up a whole pool when one process dies, and cannot say whose work it
was.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.connection import Connection
from types import TracebackType
from typing import TYPE_CHECKING, Generic, TypeVar

import torch

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext  # the first is not there on Windows

Given = TypeVar("Given")
Made = TypeVar("Made")
Result = TypeVar("Result")


class WorkerDied(Exception):
    """The process that did some work ended before it was done."""


class WorkerPool(Generic[Given, Made]):
    """Calls a function in processes of its own; use it as a context manager, which waits for all of them.

    Args:
        workers: number of processes, at least 1.
        function: what they call, importable by name; what it takes and returns can be pickled.
    """

    def __init__(self, workers: int, function: Callable[[Given], Made]) -> None:
        self.abandoned = False
        self._lock = threading.Lock()
        self._function = function
        self._threads = ThreadPoolExecutor(workers)
        self._own = threading.local()
        self._workers: list[_Worker[Given, Made]] = []

    def __enter__(self) -> WorkerPool[Given, Made]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._threads.shutdown(wait=kind is None, cancel_futures=kind is not None)
        finally:
            with self._lock:  # a thread that was about to start a process does not get one any more
                self.abandoned = True
                for worker in self._workers:
                    worker.stop()

    def submit(self, job: Callable[[Callable[[Given], Made]], Result]) -> Future[Result]:
        """Call ``job`` in a thread, as soon as there is a free process.

        Args:
            job: is handed a function that lets the process do the work. That one raises what the work
                raised, or :class:`WorkerDied`.
        """
        return self._threads.submit(job, self._do)

    def _do(self, given: Given) -> Made:
        worker: _Worker[Given, Made] | None = getattr(self._own, "worker", None)
        with self._lock:
            if self.abandoned:
                raise WorkerDied("the work was given up.")
            if worker is None or not worker.process.is_alive():
                worker = self._own.worker = _Worker(self._function)
                self._workers.append(worker)
        return worker.do(given)


class _Worker(Generic[Given, Made]):
    """One process, forked from a server that has imported the libraries, which takes ten seconds.

    The server runs no Python threads; one forked from this process would inherit the locks of its threads.
    """

    def __init__(self, function: Callable[[Given], Made]) -> None:
        context = _context(function.__module__)
        self._ours, theirs = context.Pipe()
        environment = dict(os.environ)  # the server has that of the first worker
        self.process = context.Process(target=_serve, args=(theirs, function, environment), daemon=True)
        self.process.start()
        theirs.close()

    def do(self, given: Given) -> Made:
        try:
            self._ours.send(given)
            made, error = self._ours.recv()
        except (EOFError, OSError):
            self.process.join()
            raise WorkerDied(
                f"its process ended with exit code {self.process.exitcode}, perhaps for want of memory; run "
                "the same command again, with fewer workers."
            ) from None
        if error is not None:
            raise error
        return made  # type: ignore[no-any-return]  # what the function returned

    def stop(self) -> None:
        """End the process, whatever it does."""
        self.process.kill()
        self.process.join()


def _context(module: str) -> ForkServerContext | SpawnContext:
    if "forkserver" not in multiprocessing.get_all_start_methods():  # Windows
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["lightning.pytorch", module])  # read when the server starts
    return context


def _serve(connection: Connection, function: Callable[[Given], Made], environment: Mapping[str, str]) -> None:
    """What a process does: one piece of work after another."""
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches the parent too, which then ends this one
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    while True:
        try:
            given = connection.recv()
        except EOFError:
            return
        try:
            answer: tuple[Made | None, Exception | None] = (function(given), None)
        except Exception as error:
            answer = None, _portable(error)
        connection.send(answer)


def _portable(error: Exception) -> Exception:
    """The error, with its traceback as a note; another one with the same text where it cannot be pickled."""
    note = "".join(traceback.format_exception(error))
    try:
        found: Exception = pickle.loads(pickle.dumps(error))
    except Exception:
        found = RuntimeError(f"{type(error).__name__}: {error}")
    if hasattr(found, "add_note"):  # Python 3.11
        found.add_note(note)
    return found


def _end_with_parent() -> None:
    """A parent that was killed leaves nobody behind who writes into its folders."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
