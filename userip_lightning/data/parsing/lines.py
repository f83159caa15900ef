"""Text files of any size as blocks of whole lines.

A file is opened by its ending: ``.gz``, ``.bz2``, ``.xz`` and ``.zip`` with one member are unpacked on the
way, anything else is read as it is. Whatever the encoding, what is handed on is UTF-8; byte order marks are
dropped, CRLF becomes LF (and so does CR where a file has nothing else), blank lines are passed over but
counted. A line that is not in the expected encoding, or has a NUL byte, is rejected. An archive that breaks
off is refused whatever ``max_bad_rows`` says: nobody knows how many rows it lacks.
"""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BufferedIOBase
from itertools import chain
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from userip_lightning.data.parsing.encodings import as_utf8
from userip_lightning.data.parsing.file_signs import require_text
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.errors import InputError

BLOCK_BYTES = 16 << 20
#: The longest line or quoted record, in bytes or characters.
LONGEST = 64 << 20
# No log packs so well: what unpacks to more than this, and to so many times its size, is a bomb.
_UNPACKED = 64 << 20
_RATIO = 500
_PACKED = (".gz", ".bz2", ".xz", ".zip")
_DAMAGE = (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, zipfile.BadZipFile, OSError)
# What bytes.strip() takes for blank: a line is passed over for what it is, whatever else its block holds.
_BLANKS = (b"\n", b" ", b"\t", b"\r", b"\f", b"\v")
_BLANK = re.compile(rb"\n[ \t\r\f\v]*\n")
# A byte order mark at the start of a later line is left from files that were joined.
_MARK_INSIDE = b"\n\xef\xbb\xbf"


class Lines(NamedTuple):
    """Consecutive lines of a file.

    Args:
        text: UTF-8, every line ends in ``\\n``, none is blank.
        rows: place of every line in its file, from 0.
    """

    text: bytes
    rows: NDArray[np.int64]

    def line(self, place: int) -> str:
        """The line at ``place`` of this block."""
        return self.text.split(b"\n")[place].decode()


def require_file(path: Path, advice: str) -> Path:
    """``path`` itself.

    Args:
        path: a file that must exist.
        advice: what to do when it does not, as the end of a sentence.

    Raises:
        InputError: it is no file.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; {advice}.")
    return path


def kind_of(path: Path) -> str:
    """The ending that says what a file holds, packed or not: ``.csv`` for ``log.csv.gz``."""
    return (Path(path.stem).suffix if path.suffix.lower() in _PACKED else path.suffix).lower()


def read_lines(
    path: Path, advice: str, rejects: Rejects, encoding: str = "utf-8", header: bool = False
) -> Iterator[Lines]:
    """Blocks of lines of about :data:`BLOCK_BYTES`.

    Args:
        path: the file.
        advice: what to do where it is missing or empty, as the end of a sentence.
        rejects: takes lines in another encoding or with NUL bytes.
        encoding: of the file; what is yielded is always UTF-8.
        header: the first line that is not empty is none of the rows; it comes alone, as row -1.

    Raises:
        InputError: the file is missing, empty or damaged, or has an unusable header.
    """
    first = -1 if header else 0
    for block in read_blocks(path, advice, encoding):
        if first == -1:
            head, _, block = block.lstrip(b"\n").partition(b"\n")
            if not head:
                continue
            if not _is_text(head):
                raise InputError(f"{path}: the header is not {encoding} text; save the file as {encoding}.")
            yield Lines(head + b"\n", np.array([-1], dtype=np.int64))
            first = 0
        count = block.count(b"\n")
        lines = _checked(block, first, count, path, rejects, encoding)
        first += count
        if lines.rows.size:
            yield lines


def read_blocks(path: Path, advice: str, encoding: str = "utf-8") -> Iterator[bytes]:
    """Blocks of whole lines in UTF-8; the last line ends in ``\\n`` even if the file does not.

    Raises:
        InputError: the file is missing, empty or damaged, or has a line beyond 64 MiB.
    """
    lines, rest, empty = 0, b"", True
    for piece in _with_plain_ends(as_utf8(_text_pieces(path, advice), encoding)):
        text = rest + piece
        if b"\r" in text:  # many times faster to look for than to replace
            text = text.replace(b"\r\n", b"\n")
        if _MARK_INSIDE in text:
            text = text.replace(_MARK_INSIDE, b"\n")
        whole, end, rest = text.rpartition(b"\n")
        if len(rest) > LONGEST:
            raise InputError(
                f"{path}: line {lines + 1} is longer than {LONGEST >> 20} MiB, as no row of a log is; "
                "check what ends its rows, or cut it."
            )
        lines += whole.count(b"\n") + len(end)
        empty = empty and not whole.strip()
        if end:
            yield whole + end
    if rest.strip():
        yield rest + b"\n"
    elif empty:
        raise InputError(f"{path}: the file is empty; {advice}.")


def first_bytes(path: Path, advice: str, size: int) -> bytes:
    """The beginning of the unpacked file, as it is; what a damaged archive yields before it breaks off.

    Raises:
        InputError: the file is missing or cannot be opened.
    """
    with _opened(require_file(path, advice)) as file:
        found = b""
        with suppress(*_DAMAGE):
            while len(found) < size and (more := file.read1(size - len(found))):
                found += more
        return found


def _with_plain_ends(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Old Macs end a line in CR: a file whose first piece has no LF is one of theirs."""
    first = next(pieces, b"")
    if b"\r" not in first or b"\n" in first:
        yield first
        yield from pieces
        return
    for piece in chain([first], pieces):
        yield piece.replace(b"\r", b"\n")


def read_pieces(path: Path, advice: str) -> Iterator[bytes]:
    """The unpacked text in UTF-8, in pieces that end anywhere.

    Raises:
        InputError: the file is missing or damaged.
    """
    return as_utf8(_text_pieces(path, advice), "utf-8")


def _text_pieces(path: Path, advice: str) -> Iterator[bytes]:
    """The unpacked bytes; what is plainly no text ends here."""
    pieces = _pieces(require_file(path, advice))
    first = next(pieces, b"")
    require_text(path, first)
    yield first
    yield from pieces


def _pieces(path: Path) -> Iterator[bytes]:
    """The unpacked bytes in pieces of :data:`BLOCK_BYTES`; all that can be had before a break comes first."""
    with _opened(path) as file:
        lines, more, unpacked, packed = 0, True, 0, path.stat().st_size
        while more:
            found: list[bytes] = []
            try:
                size = 0
                while more and size < BLOCK_BYTES:
                    found.append(file.read1(BLOCK_BYTES - size))
                    size += len(found[-1])
                    more = bool(found[-1])
            except _DAMAGE as error:
                lines += sum(part.count(b"\n") for part in found)
                raise InputError(
                    f"{path}: the {_name(path)} is truncated or damaged after line {lines} ({error}); "
                    "fetch the file again."
                ) from None
            lines += sum(part.count(b"\n") for part in found)
            unpacked += size
            if unpacked > max(_UNPACKED, _RATIO * packed):
                raise InputError(
                    f"{path}: the {_name(path)} unpacks to over {_RATIO} times its size, as no log does; "
                    "if it is one, unpack it first."
                )
            if size:
                yield b"".join(found)


@contextmanager
def _opened(path: Path) -> Iterator[BufferedIOBase]:
    """The file, unpacked by its ending; a zip archive is read in place, so its names lead nowhere."""
    suffix = path.suffix.lower()
    if suffix == ".zip":
        try:
            with zipfile.ZipFile(path) as archive:
                members = [name for name in archive.namelist() if not name.endswith("/")]
                if len(members) != 1:
                    raise InputError(
                        f"{path}: the archive has {len(members)} files, expected one; unpack it."
                    )
                with archive.open(members[0]) as member:
                    yield cast(BufferedIOBase, member)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            raise InputError(f"{path}: no zip archive that can be read ({error}); fetch it again.") from None
        except OSError as error:
            if error.errno != errno.EINVAL:  # a place before the file's beginning
                raise
            raise InputError(
                f"{path}: no zip archive that can be read ({error.strerror}); fetch it again."
            ) from None
        return
    openers: dict[str, Callable[[Path], BufferedIOBase]] = {
        ".gz": gzip.open,
        ".bz2": bz2.open,
        ".xz": lzma.open,
    }
    with openers[suffix](path) if suffix in openers else path.open("rb") as unpacked:
        yield unpacked


def _name(path: Path) -> str:
    names = {".gz": "gzip file", ".bz2": "bzip2 file", ".xz": "xz file", ".zip": "zip archive"}
    return names.get(path.suffix.lower(), "file")


def _checked(block: bytes, first: int, count: int, path: Path, rejects: Rejects, encoding: str) -> Lines:
    """The block's usable lines in UTF-8."""
    blank = block.startswith(_BLANKS) or _BLANK.search(block)
    if not blank and _is_text(block):
        return Lines(block, np.arange(first, first + count))
    good, rows = [], []
    for row, line in enumerate(block[:-1].split(b"\n"), first):
        if not line.strip():
            continue
        if _is_text(line):
            good.append(line + b"\n")
            rows.append(row)
        else:
            reason = "has a NUL byte" if b"\0" in line else f"is not {encoding} text"
            rejects.add(path, row, reason, line[:200].decode("utf-8", "backslashreplace"))
    return Lines(b"".join(good), np.array(rows, dtype=np.int64))


def _is_text(data: bytes) -> bool:
    if b"\0" in data:
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
