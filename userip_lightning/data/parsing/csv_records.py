"""Records of a CSV file with quotes: one may go over many lines, so blocks of lines will not do.

Python's own parser reads them, strict about quotes. Where a record is unreadable, its first line is
rejected and reading goes on with the second, so one stray quote does not take the rest of the file along; nor
does it gather the rest of the file in memory, for a record has a largest size.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from userip_lightning.data.parsing.lines import LONGEST, read_blocks
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.errors import InputError

_RECORDS = 50_000
#: A record of more lines is one whose quote was never closed.
_MOST_LINES = 10_000
#: Lines that show whether a blank follows every separator.
_SHOWING = 100
_TEXT = 1 << 20
# The module's own limit, 131,072 characters, is one of the whole process; a long review may be longer.
csv.field_size_limit(max(csv.field_size_limit(), LONGEST))


class Records(NamedTuple):
    """Consecutive records.

    Args:
        rows: place of every record in its file, from 0; a header is -1.
        fields: the fields of every record.
    """

    rows: list[int]
    fields: list[list[str]]


def read_records(
    path: Path,
    advice: str,
    rejects: Rejects,
    separator: str,
    encoding: str = "utf-8",
    header: bool = False,
    quote: str = '"',
) -> Iterator[Records]:
    """Records in blocks; blank lines are passed over but counted.

    Where the first lines have a blank after every separator, or the header has one, blanks there belong to
    the separator.

    Args:
        path: the file, packed or not.
        advice: what to do where it is missing or empty, as the end of a sentence.
        rejects: takes unreadable records, and those in another encoding or with NUL bytes.
        separator: one character.
        encoding: of the file.
        header: the first record is none of the rows and comes alone.
        quote: one character, around fields with separators or line breaks.

    Raises:
        InputError: the file is missing, empty or damaged, or has an unusable header.
    """
    found = Records([], [])
    pages = _Pages(path, advice, encoding)
    for row, record, fault, line in _parsed(pages, separator, quote, encoding, -1 if header else 0):
        if fault and row == -1:
            raise InputError(f"{path}: the header {fault}; mend it.")
        if fault:
            rejects.add(path, row, fault, line)
            continue
        found.rows.append(row)
        found.fields.append(record)
        if row == -1 or len(found.rows) == _RECORDS:
            yield found
            found = Records([], [])
    yield found


def _parsed(
    pages: _Pages, separator: str, quote: str, encoding: str, row: int
) -> Iterator[tuple[int, list[str], str | None, str]]:
    """Place, fields, fault and first line of every record; a header may have blank lines above it."""
    spaced = _blank_follows(pages.peek(_SHOWING), separator, header=row == -1)

    def parser() -> Iterator[list[str]]:
        return csv.reader(pages, delimiter=separator, quotechar=quote, skipinitialspace=spaced, strict=True)

    reader = parser()
    while True:
        pages.taken.clear()
        fault: str | None = None
        try:
            record = next(reader, None)
            if pages.suspicious and record:
                fault = _fault("".join(record), encoding)
        except csv.Error as error:
            record, fault = [], f"is no CSV record ({error})"
            pages.again(pages.taken[1:])
            reader = parser()
        if record is None:
            return
        full = len(record) > 1 or any(field.strip() for field in record)
        if fault or full:
            yield row, record, fault, "".join(pages.taken[:1])
        row += row >= 0 or full


class _Pages:
    """The lines of a file, which can be taken back.

    Args:
        path: the file.
        advice: as the end of a sentence.
        encoding: of the file; what it cannot decode becomes surrogates.
    """

    def __init__(self, path: Path, advice: str, encoding: str) -> None:
        self._texts = self._decoded(read_blocks(path, advice, encoding))
        self._encoding = encoding
        self._ahead: deque[str] = deque()
        self._lines = StringIO(newline="\n")
        self._size = 0
        #: Lines handed out since the caller cleared this.
        self.taken: list[str] = []
        #: Whether some block so far had NUL bytes or another encoding.
        self.suspicious = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._ahead.popleft() if self._ahead else self._lines.readline() or self._next_text()
        self.taken.append(line)
        if len(self.taken) > 1:
            self._limit()
        return line

    def peek(self, lines: int) -> list[str]:
        """The next lines, which are handed out all the same."""
        with suppress(StopIteration):
            self._ahead.append(self._lines.readline() or self._next_text())
        self._ahead.extend(islice(self._lines, lines - 1))
        return list(self._ahead)

    def _next_text(self) -> str:
        """The first line of the next text; its others wait in it, not as objects of their own."""
        self._lines = StringIO(next(self._texts), newline="\n")
        return self._lines.readline()

    def _decoded(self, blocks: Iterator[bytes]) -> Iterator[str]:
        """Whole lines, about :data:`_TEXT` characters at a time: ``StringIO`` takes four bytes for each."""
        for block in blocks:
            text, start = block.decode("utf-8", "surrogateescape"), 0
            self.suspicious = self.suspicious or bool(_fault(text, self._encoding))
            while start < len(text):
                end = text.find("\n", start + _TEXT) + 1 or len(text)
                yield text[start:end]
                start = end

    def _limit(self) -> None:
        """A record must end some time, or one stray quote would gather the file in memory."""
        earlier = self._size if len(self.taken) > 2 else len(self.taken[0])
        self._size = earlier + len(self.taken[-1])
        if len(self.taken) > _MOST_LINES or self._size > LONGEST:
            raise csv.Error(f"a quote opens it and none closes it within {len(self.taken) - 1:,} lines")

    def again(self, lines: list[str]) -> None:
        """Hand these out next."""
        self._ahead.extendleft(reversed(lines))


def _blank_follows(lines: list[str], separator: str, header: bool) -> bool:
    """Whether blanks after a separator belong to it: every field has one, or some name of the header has."""
    if separator == " ":
        return False
    fields = [line.split(separator)[1:] for line in lines if line.strip()]
    names = fields[0] if fields and header else []
    every = [field.startswith(" ") for later in fields for field in later]
    return any(name.startswith(" ") for name in names) or (bool(every) and all(every))


def _fault(text: str, encoding: str) -> str | None:
    if "\0" in text:
        return "has a NUL byte"
    try:
        text.encode()
    except UnicodeEncodeError:
        return f"is not {encoding} text"
    return None
