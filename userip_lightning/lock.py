"""One writer per folder: the second is refused at once, readers are never asked."""

from __future__ import annotations

import errno
import os
import platform
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path

import psutil

from userip_lightning.atomic import write_errors
from userip_lightning.errors import InputError

#: What the system locks, and what says who holds it; both lie in the folder.
LOCK, HOLDER = ".writer.lock", ".writer"
#: Seconds that what a killed writer has started may take to end with it.
LEFT_BEHIND = 30.0
#: What a file system says that has no locks.
_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP)


class _Held(threading.local):
    """The folders that blocks of this thread hold and share with what they call."""

    def __init__(self) -> None:
        self.folders: set[Path] = set()


_HELD = _Held()


@contextmanager
def sole_writer(folder: str | Path, what: str, shared: bool = False) -> Iterator[None]:
    """Nobody else writes into ``folder`` while the block runs.

    The system frees the lock with the process that holds it, however that ends. Processes that a command
    starts must not ask: their parent holds the folder for them.

    A file system that several machines share has to pass locks on to the others, as NFS does from version 4
    on; where it does not, commands on two machines are not kept apart.

    Args:
        folder: is made where it is missing, and goes again if the block fails and has put nothing there.
        what: it holds, for the sentence, such as ``bank``.
        shared: whether blocks inside this one, of the same thread, are let through, so that a command may
            hold a folder longer than what it calls does.

    Raises:
        InputError: another process is writing there, the folder cannot be written, or there are no locks.
    """
    root = Path(folder)
    own = root.resolve()
    if own in _HELD.folders:
        yield
        return
    with _locked(root, what):
        if shared:
            _HELD.folders.add(own)
        try:
            yield
        finally:
            _HELD.folders.discard(own)


@contextmanager
def _locked(root: Path, what: str) -> Iterator[None]:
    from filelock import FileLock, Timeout  # who only reads need not load it

    lock, made = FileLock(root / LOCK), [folder for folder in (root, *root.parents) if not folder.exists()]
    with write_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=LEFT_BEHIND if _is_dead(root) else 0)
        except Timeout:
            raise InputError(
                f"{root}: {_holder(root)} is writing this {what}; wait until it is done, or end it."
            ) from None
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            raise InputError(
                f"{root}: the file system has no locks ({error.strerror}), so two commands could write this "
                f"{what} at once; name a folder on another one."
            ) from None
    try:
        with write_errors(root):
            (root / HOLDER).write_text(_this_process(), encoding="utf-8")
        yield
    except BaseException:
        if made and root.is_dir() and {file.name for file in root.iterdir()} <= {LOCK, HOLDER}:
            _forget(made)
        raise
    finally:
        (root / HOLDER).unlink(missing_ok=True)
        lock.release()


def _forget(made: list[Path]) -> None:
    """Nothing was written, so nothing is left: neither the folder nor those above it, the deepest first."""
    shutil.rmtree(made[0], ignore_errors=True)
    with suppress(OSError):  # somebody else has put something there
        for folder in made[1:]:
            folder.rmdir()


def _this_process() -> str:
    since = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"process {os.getpid()} on {platform.node()}, since {since},"


def _holder(root: Path) -> str:
    try:
        return (root / HOLDER).read_text(encoding="utf-8") or "another process"
    except OSError:
        return "another process"


def _is_dead(root: Path) -> bool:
    """Whether the last holder was a process of this machine that is no more, and has not let go itself."""
    named = re.match(r"process (\d+) on (.*), since ", _holder(root))
    return named is not None and named[2] == platform.node() and not psutil.pid_exists(int(named[1]))
