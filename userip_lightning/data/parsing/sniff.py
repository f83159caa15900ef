"""How a delimited file seems to be written, from its beginning.

Guesses, for messages and for `userip data sniff`; a reader never acts on them.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from userip_lightning.data.parsing.encodings import marked
from userip_lightning.data.parsing.lines import first_bytes

#: Bytes that are looked at.
_BYTES = 1 << 20
_LINES = 500
#: From the one that text has least to the one that it has most.
_SEPARATORS = ("::", "\t", ";", "|", ",", " ")
#: Share of the lines that must have as many fields as the first.
_EVEN = 0.9
_NUMBER = re.compile(r"\s*[-+]?\d+([.,]\d+)?\s*")
_COMMA = re.compile(r"\s*[-+]?\d*,\d+\s*")
_DATE = re.compile(r"\s*\d{4}[-/.]\d\d?[-/.]\d\d?([ T].*)?")


class Sniffed(NamedTuple):
    """What a file looks like.

    Args:
        encoding: its name for Python.
        separator: between fields; None where no separator gives even rows of two fields or more.
        quote: around fields; empty where quotes are part of the text.
        first: fields of the first line.
        rows: fields of some lines after it.
        headless: whether the first line is no header; None where that cannot be told.
        decimal: ``.`` or ``,``.
    """

    encoding: str
    separator: str | None
    quote: str
    first: list[str]
    rows: list[list[str]]
    headless: bool | None
    decimal: str

    def column(self, place: int) -> list[str]:
        """The filled fields of one column."""
        return [row[place].strip() for row in self.rows if len(row) > place and row[place].strip()]


def sniff(path: Path, advice: str, size: int = _BYTES) -> Sniffed:
    """Look at the beginning of a file.

    Args:
        path: the file, packed or not.
        advice: what to do where it is missing, as the end of a sentence.
        size: how many bytes, unpacked.

    Raises:
        InputError: the file is missing or cannot be opened.
    """
    start = first_bytes(path, advice, size)
    encoding = guess_encoding(start)
    text = start.decode(encoding, "replace").lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    lines = [] if "\0" in text else [line for line in islice(text.split("\n"), _LINES + 1) if line.strip()]
    if len(start) == size and 0 < len(lines) <= _LINES:
        lines.pop()  # cut in the middle
    quote, separator = _cut(lines)
    rows = _fields(lines, separator, quote) if separator else [[line] for line in lines]
    first, others = (rows[0], rows[1:]) if rows else ([], [])
    return Sniffed(encoding, separator, quote, first, others, _is_data(first, others), _decimal(others))


def _cut(lines: Sequence[str]) -> tuple[str, str | None]:
    """What stands around fields, and between them."""
    for quote in ('"', "'"):
        separator = _separator(lines, quote)
        if separator and _is_quoted(lines, separator, quote):
            return quote, separator
    separator = _separator(lines, "")
    return "" if separator and _has_stray_quotes(lines, separator) else '"', separator


def guess_encoding(start: bytes) -> str:
    """What a byte order mark tells; UTF-8 where most lines beyond ASCII are; UTF-16 by NUL bytes; cp1252."""
    mark = marked(start)
    if mark:
        return mark
    if start.count(b"\0") * 4 > len(start):
        return "utf-16-le" if start[1::2].count(b"\0") > start[::2].count(b"\0") else "utf-16-be"
    beyond = [line for line in start.split(b"\n")[:-1] or [start] if not line.isascii()]
    good = sum(_decodes(line, "utf-8") for line in beyond)
    if 2 * good >= len(beyond):
        return "utf-8"
    return "cp1252" if all(_decodes(line, "cp1252") for line in beyond) else "latin-1"


def is_number(text: str) -> bool:
    """A number, with a decimal point or a decimal comma."""
    return _NUMBER.fullmatch(text) is not None


def is_date(text: str) -> bool:
    """A date that begins with its year, perhaps with a time."""
    return _DATE.fullmatch(text) is not None


def has_decimal_commas(values: Sequence[str]) -> bool:
    """Whether these are numbers, and those that are not whole have a comma."""
    return (
        bool(values)
        and all(map(is_number, values))
        and any(map(_COMMA.fullmatch, values))
        and (not any("." in value for value in values))
    )


def _decodes(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _fields(lines: Sequence[str], separator: str, quote: str) -> list[list[str]]:
    if not quote or len(separator) > 1:
        return [line.split(separator) for line in lines]
    try:
        spaced = separator != " "
        return list(csv.reader(lines, delimiter=separator, quotechar=quote, skipinitialspace=spaced))
    except csv.Error:
        return []


def _separator(lines: Sequence[str], quote: str) -> str | None:
    """The one that cuts most lines into as many fields as the first, and into the most."""
    best, most = None, 1
    for separator in _SEPARATORS:
        counts = Counter(map(len, _fields(lines, separator, quote)))
        first = len(next(iter(_fields(lines[:1], separator, quote)), []))
        if first > most and len(lines) > 1 and counts[first] >= _EVEN * counts.total():
            best, most = separator, first
    return best


def _is_quoted(lines: Sequence[str], separator: str, quote: str) -> bool:
    """Whether fields stand in ``quote``: it opens and closes some, and no field has it on one side alone."""
    if not quote or len(separator) > 1:
        return False
    fields = [field.strip() for line in lines for field in line.split(separator)]
    both = sum(len(field) > 1 and field[0] == field[-1] == quote for field in fields)
    opened = sum(field.startswith(quote) for field in fields)
    return both > 0 and 4 * both >= opened and (quote == '"' or 2 * both >= len(fields) // 2)


def _has_stray_quotes(lines: Sequence[str], separator: str) -> bool:
    return any(field.strip().startswith('"') for line in lines for field in line.split(separator))


def _is_data(first: Sequence[str], others: Sequence[Sequence[str]]) -> bool | None:
    """Names are no numbers and no dates, and do not come again below themselves."""
    if any(is_number(field) or is_date(field) for field in first):
        return True
    for place, field in enumerate(first):
        if field.strip() and any(len(row) > place and row[place].strip() == field.strip() for row in others):
            return None if list(first) in [list(row) for row in others] else True
    numbers = any(any(is_number(field) for field in row) for row in others[:10])
    return False if numbers else None


def _decimal(rows: Sequence[Sequence[str]]) -> str:
    width = max(map(len, rows), default=0)
    columns = [
        [row[place] for row in rows if len(row) > place and row[place].strip()] for place in range(width)
    ]
    return "," if any(map(has_decimal_commas, columns)) else "."
