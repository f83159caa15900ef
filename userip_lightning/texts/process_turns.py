"""Processes that would do the same work at once take turns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from userip_lightning.atomic import write_errors
from userip_lightning.progress_bars import say


@contextmanager
def turn(file: Path, what: str) -> Iterator[None]:
    """Only one process at a time is in the block; the others wait, and say so in a line on standard error.

    Args:
        file: the lock, which may stay behind: the system frees it with the process that holds it.
        what: is being made, for the line.

    Raises:
        InputError: the file cannot be written.
    """
    lock = FileLock(file)
    with write_errors(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            say(f"{what} is being made by another process; waiting for it.")
            lock.acquire()
    try:
        yield
    finally:
        lock.release()
