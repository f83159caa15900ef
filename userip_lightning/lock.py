"""One writer per folder: the second is refused at once, readers are never asked."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from userip_lightning.artifact import write_errors
from userip_lightning.errors import InputError

#: What the system locks, and what says who holds it; both lie in the folder.
LOCK, HOLDER = ".writer.lock", ".writer"


@contextmanager
def sole_writer(folder: str | Path, what: str) -> Iterator[None]:
    """No other process writes into ``folder`` while the block runs.

    The system frees the lock with the process that holds it, however that ends.

    Args:
        folder: is made where it is missing.
        what: it holds, for the sentence, such as ``bank``.

    Raises:
        InputError: another process is writing there, or the folder cannot be written.
    """
    from filelock import FileLock, Timeout  # who only reads need not load it

    root = Path(folder)
    lock = FileLock(root / LOCK)
    with write_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise InputError(
                f"{root}: {_holder(root)} is writing this {what}; wait until it is done, or end it."
            ) from None
    try:
        with write_errors(root):
            (root / HOLDER).write_text(f"process {os.getpid()} on {platform.node()}", encoding="utf-8")
        yield
    finally:
        (root / HOLDER).unlink(missing_ok=True)
        lock.release()


def _holder(root: Path) -> str:
    try:
        return (root / HOLDER).read_text(encoding="utf-8") or "another process"
    except OSError:
        return "another process"
