"""Parquet files that others wrote, decoded by a process of their own.

A damaged one can end the process that decodes it (see :mod:`userip_lightning.data.parsing.parquet_child`);
here that becomes a sentence. The process hands the rows over as it goes, so nothing is decoded twice, and
waits some seconds for the next file.
"""

from __future__ import annotations

import atexit
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, NamedTuple

import polars as pl

from userip_lightning.errors import InputError

_ROWS = 200_000
_CHILD = Path(__file__).with_name("parquet_child.py")
# The child finds polars where this process does.
_START = (
    "import sys; sys.path[:] = sys.argv[2:]; import runpy; runpy.run_path(sys.argv[1], run_name='__main__')"
)


class Files(NamedTuple):
    """What is read as one table.

    Args:
        where: for messages: the file, the folder or the address.
        files: below ``where`` if that is a folder, ``where`` itself if it is a file; none for an address.
        partitions: folders named ``key=value`` below ``where`` are columns.
    """

    where: Path | str
    files: Sequence[Path] = ()
    partitions: bool = False


def read_foreign(source: Files, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
    """Rows in blocks, the first of which is empty and tells the columns.

    Args:
        source: what is read.
        columns: of these, those that there are; None reads all.

    Raises:
        InputError: the files cannot be read as one table.
    """
    for letter, payload in _answers(source, "read", columns):
        if letter == b"F":
            yield pl.read_ipc_stream(io.BytesIO(payload))


def require_decodable(source: Files, columns: Sequence[str] | None = None) -> None:
    """Decode everything once and keep nothing, for files that this process then reads itself.

    Raises:
        InputError: as :func:`read_foreign`.
    """
    for _ in _answers(source, "check", columns):
        pass


def describe(source: Files) -> dict[str, Any]:
    """``rows``; ``columns``, name to type; ``metadata`` of the first file, text to text.

    Raises:
        InputError: as :func:`read_foreign`.
    """
    *_, (_, payload) = _answers(source, "describe", None)
    return dict(json.loads(payload))


class _Child:
    """A process that answers one request at a time."""

    def __init__(self) -> None:
        self.parent = os.getpid()
        self._complaints = TemporaryFile()  # noqa: SIM115 - closed by end()
        pipe = subprocess.PIPE
        paths = [os.path.abspath(path) for path in sys.path]
        self.process = subprocess.Popen(
            [sys.executable, "-c", _START, str(_CHILD), *paths],
            stdin=pipe,
            stdout=pipe,
            stderr=self._complaints,
            pipesize=1 << 20,
        )

    def ask(self, request: dict[str, object]) -> Iterator[tuple[bytes, bytes]]:
        """Letters and payloads of its messages; they break off where it ends."""
        assert self.process.stdin
        assert self.process.stdout
        with suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
        letter = b""
        while letter not in (b"D", b"E"):
            head = self.process.stdout.read(9)
            letter, size = head[:1], int.from_bytes(head[1:], "big")
            payload = self.process.stdout.read(size) if len(head) == 9 else b""
            if len(head) < 9 or len(payload) < size:
                return
            yield letter, payload

    def why_it_ended(self) -> str:
        code = self.process.wait()
        self._complaints.seek(0)
        text = self._complaints.read().decode("utf-8", "replace")
        said = [line for line in text.splitlines() if line.strip() and not line.startswith("note:")]
        if code == -signal.SIGKILL:
            return "the process that decoded it was killed, perhaps for want of memory"
        return f"decoding it failed: {said[-1]}" if said else f"the process that decoded it ended with {code}"

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self._complaints):
            with suppress(OSError):
                if pipe:
                    pipe.close()


#: At most one that has answered and waits for the next request.
_idle: list[_Child] = []


def _answers(source: Files, task: str, columns: Sequence[str] | None) -> Iterator[tuple[bytes, bytes]]:
    """Letters and payloads of a child's messages; the last is ``D``."""
    request = _request(source, task, columns)
    child, waited = _child(source)
    letter = b""
    try:
        for letter, payload in child.ask(request):
            if letter == b"E":
                raise _unreadable(source, payload.decode("utf-8", "replace"))
            yield letter, payload
        if letter != b"D" and not (waited and not letter):
            raise _unreadable(source, child.why_it_ended())
    finally:
        if letter in (b"D", b"E") and not _idle:
            _idle.append(child)
        else:
            child.end()
    if not letter:  # it had waited too long and ended just before it was asked
        yield from _answers(source, task, columns)


def _request(source: Files, task: str, columns: Sequence[str] | None) -> dict[str, object]:
    where = source.where
    folder = where if isinstance(where, Path) and where.is_dir() else Path(where).parent
    local = isinstance(where, Path)
    return {
        "task": task,
        "address": None if local else where,
        "folder": str(folder.absolute()) if local else None,
        "files": [f"./{file.relative_to(folder)}" for file in source.files],
        "partitions": source.partitions,
        "columns": columns and list(columns),
        "rows": _ROWS,
    }


def _child(source: Files) -> tuple[_Child, bool]:
    """A child, and whether it had waited."""
    if _idle and isinstance(
        source.where, Path
    ):  # an address needs the credentials that the environment has now
        child = _idle.pop()
        if child.parent == os.getpid() and child.process.poll() is None:
            return child, True
        if child.parent == os.getpid():
            child.end()
    try:
        return _Child(), False
    except OSError as error:
        raise InputError(
            f"{source.where}: no process can be started to read it ({error.strerror}); free some memory."
        ) from None


@atexit.register
def _end_idle() -> None:
    while _idle:
        child = _idle.pop()
        if child.parent == os.getpid():
            child.end()


def _unreadable(source: Files, reason: str) -> InputError:
    first = reason.split("\n")[0].strip(" :")[:200]
    if isinstance(source.where, str):
        return InputError(
            f"{source.where}: cannot be reached or read ({first}); check the address, the network and your "
            "credentials, or copy the folder to this machine."
        )
    if source.where.is_dir():
        return InputError(
            f"{source.where}: not readable as one Parquet table ({first}); write its files again."
        )
    return InputError(f"{source.where}: not a readable Parquet file ({first}); write it again.")
