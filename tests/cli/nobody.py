"""Commands as an ordinary user, also where the tests run as root, to whom every file is open."""

import contextlib
import io
import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from userip_lightning.cli import main

#: The user that owns nothing.
NOBODY = 65534
_FORK = multiprocessing.get_context("fork")  # everything is imported, so nothing of ours has to be readable


class Said(NamedTuple):
    """Exit code, standard output and standard error of a command."""

    code: int
    out: str
    err: str


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that everybody can get to, as pytest's own ones are not; it goes afterwards."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        for path in folder.rglob("*"):
            if path.is_dir():
                path.chmod(0o755)
        shutil.rmtree(folder)


def as_nobody(words: list[str], cache: Path) -> Said:
    """`userip WORDS` by an ordinary user."""
    ours, theirs = _FORK.Pipe()
    process = _FORK.Process(target=_run, args=(theirs, words, cache))
    process.start()
    theirs.close()
    try:
        return ours.recv()
    finally:
        process.join(120)


def _run(answer: Connection, words: list[str], cache: Path) -> None:
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    os.environ["USERIP_CACHE"] = str(cache)
    os.environ["HOME"] = str(cache.parent)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(words)
    answer.send(Said(code, out.getvalue(), err.getvalue()))


def close(*folders: Path) -> None:
    """Let nobody write into these folders, or anything below them."""
    for folder in folders:
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)


def give(*folders: Path) -> None:
    """Let everybody write into these folders, or anything below them."""
    for folder in folders:
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o777 if path.is_dir() else 0o666)
