"""Commands as an ordinary user, also where the tests run as root, to whom every file is open."""

import contextlib
import ctypes
import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import torch

from tests.server import SERVER
from userip_lightning.cli import main

#: capabilities(7): version of the call, and what passes over permissions, CAP_DAC_OVERRIDE and _READ_SEARCH.
_VERSION, _PASSES = 0x20080522, 0b110


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


def as_user(words: list[str], cache: Path) -> Said:
    """`userip WORDS` by an ordinary user."""
    ours, theirs = SERVER.Pipe()
    process = SERVER.Process(target=_run, args=(theirs, words, cache))
    process.start()
    theirs.close()
    try:
        return ours.recv()
    finally:
        process.join(120)


def _run(answer: Connection, words: list[str], cache: Path) -> None:
    _obey_permissions()
    os.environ |= {"USERIP_CACHE": str(cache), "HOME": str(cache.parent)}
    torch.set_num_threads(1)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(words)
    answer.send(Said(code, out.getvalue(), err.getvalue()))


def _obey_permissions() -> None:
    """Take from this process what root may do beyond the permissions of its own files."""
    libc, header, sets = ctypes.CDLL(None), (ctypes.c_uint32 * 2)(_VERSION, 0), (ctypes.c_uint32 * 6)()
    assert libc.capget(header, sets) == 0
    for number in range(3):  # effective, permitted, inheritable
        sets[number] &= ~_PASSES
    assert libc.capset(header, sets) == 0


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
