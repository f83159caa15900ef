"""Records of a CSV file with quotes: one may go over many lines, so blocks of lines will not do.

Python's own parser reads them, strict about quotes. Where a record is unreadable, its first line is
rejected and reading goes on with the second, so one stray quote does not take the rest of the file along.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from userip_lightning.data.lines import read_blocks
from userip_lightning.data.rejects import Rejects
from userip_lightning.errors import InputError

_RECORDS = 50_000


class Records(NamedTuple):
    """Consecutive records.

    Args:
        rows: place of every record in its file, from 0; a header is -1.
        fields: the fields of every record.
    """

    rows: list[int]
    fields: list[list[str]]


def read_records(
    path: Path, advice: str, rejects: Rejects, separator: str, encoding: str = "utf-8", header: bool = False
) -> Iterator[Records]:
    """Records in blocks; blank lines are passed over but counted.

    Args:
        path: the file, packed or not.
        advice: what to do where it is missing, empty or damaged, as the end of a sentence.
        rejects: takes unreadable records, and those in another encoding or with NUL bytes.
        separator: one character.
        encoding: of the file.
        header: the first record is none of the rows and comes alone.

    Raises:
        InputError: the file is missing, empty or damaged, or has an unusable header.
    """
    found = Records([], [])
    for row, record, fault, line in _parsed(path, advice, separator, encoding, -1 if header else 0):
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
    path: Path, advice: str, separator: str, encoding: str, row: int
) -> Iterator[tuple[int, list[str], str | None, str]]:
    """Place, fields, fault and first line of every record; a header may have blank lines above it."""
    pages = _Pages(path, advice, encoding)
    reader = csv.reader(pages, delimiter=separator, strict=True)
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
            reader = csv.reader(pages, delimiter=separator, strict=True)
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
        self._blocks = read_blocks(path, advice)
        self._encoding = encoding
        self._ahead: deque[str] = deque()
        #: Lines handed out since the caller cleared this.
        self.taken: list[str] = []
        #: Whether some block so far had NUL bytes or another encoding.
        self.suspicious = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if not self._ahead:
            text = next(self._blocks).decode(self._encoding, "surrogateescape")
            self.suspicious = self.suspicious or bool(_fault(text, self._encoding))
            self._ahead.extend(f"{line}\n" for line in text[:-1].split("\n"))
        self.taken.append(self._ahead.popleft())
        return self.taken[-1]

    def again(self, lines: list[str]) -> None:
        """Hand these out next."""
        self._ahead.extendleft(reversed(lines))


def _fault(text: str, encoding: str) -> str | None:
    if "\0" in text:
        return "has a NUL byte"
    try:
        text.encode()
    except UnicodeEncodeError:
        return f"is not {encoding} text"
    return None
