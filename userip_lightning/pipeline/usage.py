"""Wall time and peak memory of a piece of work."""

from __future__ import annotations

import ctypes
import gc
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

import psutil

#: Seconds between two looks at the resident set size; the kernel's own peak cannot be reset per stage.
PERIOD = 0.05


class Usage:
    """Context manager that measures wall time in seconds and this process's peak resident set in bytes."""

    def __init__(self) -> None:
        self.wall_s = 0.0
        self.peak_rss = 0
        self._process = psutil.Process()
        self._done = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Usage:
        self._start = time.perf_counter()
        self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._watcher.join()
        self.read()

    def read(self) -> None:
        """Bring both figures up to now."""
        self.wall_s = time.perf_counter() - self._start
        self.peak_rss = max(self.peak_rss, self._process.memory_info().rss)

    def _watch(self) -> None:
        while not self._done.wait(PERIOD):
            self.peak_rss = max(self.peak_rss, self._process.memory_info().rss)


@contextmanager
def released_memory() -> Iterator[None]:
    """Give what a run held back to the system, so that the next one's peak is its own.

    Trainer and module hold each other until they are collected, and glibc keeps freed memory: after stage 1
    with the default language model that was 1.1 GB of 1.8 GB. Only what was made inside is looked at: to go
    through the millions of objects of the libraries as well takes half a second.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.collect()
        gc.unfreeze()
        if sys.platform == "linux":
            trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
            if trim is not None:
                trim(0)
