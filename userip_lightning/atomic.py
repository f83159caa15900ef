"""Folders and files that are whole or absent, whatever killed their writer.

They are written under a hidden name beside their target and renamed once everything is on disk. What a killed
writer left hidden goes when the same target is written again.
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from userip_lightning.errors import DISK_FULL, InputError, is_disk_full


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Yield a folder to fill; on success it becomes ``target``, on any failure nothing is left.

    Raises:
        InputError: the disk is full or the target cannot be written.
    """
    draft = _hidden(target, "part")
    with write_errors(target):
        try:
            _drop_stale(target)
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(parents=True)
            yield draft
            _sync_tree(draft)
            _swap(draft, target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def scratch(target: Path) -> Iterator[Path]:
    """Yield an empty folder beside ``target`` that goes in any case; InputError if it is unwritable."""
    folder = _hidden(target, "scratch")
    with write_errors(target):
        try:
            _drop_stale(target)
            folder.mkdir(parents=True)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """Yield where to write a file; on success it becomes ``target``, on any failure nothing is left.

    Raises:
        InputError: the disk is full or the target cannot be written.
    """
    with write_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with _replaced(target) as draft:
            yield draft


def write_text(path: str | Path, text: str) -> None:
    """Replace a small file in one step, as :func:`new_file`; OSError where it cannot be written."""
    with _replaced(Path(path)) as draft:
        draft.write_text(text, encoding="utf-8")


@contextmanager
def write_errors(target: Path) -> Iterator[None]:
    """Say in one sentence that ``target`` could not be written, where writing it fails in the block.

    Raises:
        InputError: the disk is full or the target cannot be written.
    """
    try:
        yield
    except Exception as error:
        full = is_disk_full(error)
        if not full and not isinstance(error, OSError):
            raise
        reason = DISK_FULL if full else getattr(error, "strerror", None) or error
        raise InputError(
            f"{target}: could not be written ({reason}); free some space or name another place, nothing "
            "half-written was kept."
        ) from error


@contextmanager
def _replaced(target: Path) -> Iterator[Path]:
    draft = _hidden(target, "part")
    try:
        _drop_stale(target)
        yield draft
        _sync(draft)
        os.replace(draft, target)
    finally:
        draft.unlink(missing_ok=True)


def _hidden(target: Path, state: str) -> Path:
    """A name beside ``target`` that no reader looks at and no other live process uses."""
    return target.with_name(f"{_hidden_prefix(target)}{os.getpid()}.{state}")


def _hidden_prefix(target: Path) -> str:
    # On a disk that machines share, a process id alone says nothing about who is alive.
    return f".{target.name}.{platform.node()}."


def _drop_stale(target: Path) -> None:
    """Remove hidden files beside ``target`` that ended processes of this machine left."""
    prefix = _hidden_prefix(target)
    for left in target.parent.glob(".*") if target.parent.is_dir() else ():
        process = left.name.removeprefix(prefix).split(".")[0]
        if left.name.startswith(prefix) and process.isdigit() and not psutil.pid_exists(int(process)):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)


def _swap(draft: Path, target: Path) -> None:
    """Put ``draft`` at ``target``; what stood there is removed after the rename, never before."""
    if not target.exists():
        os.rename(draft, target)
        return
    old = _hidden(target, "old")
    os.rename(target, old)
    os.rename(draft, target)
    shutil.rmtree(old, ignore_errors=True)


def _sync_tree(folder: Path) -> None:
    for file in folder.rglob("*"):
        if file.is_file():
            _sync(file)


def _sync(file: Path) -> None:
    with open(file, "rb") as handle:
        os.fsync(handle.fileno())
