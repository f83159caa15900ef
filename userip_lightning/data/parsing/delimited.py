"""Text tables of any size as blocks of string columns, with the row in every complaint.

Rows are counted from 1 in messages, without the header. A row with too few or too many fields is rejected.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import compress
from operator import not_
from pathlib import Path

import numpy as np
import polars as pl

from userip_lightning.data.parsing.columns import ROW, require_columns
from userip_lightning.data.parsing.csv_records import read_records
from userip_lightning.data.parsing.headers import plain_names, without_headers
from userip_lightning.data.parsing.lines import Lines, read_lines
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.errors import InputError

# Stands for a separator of several characters, which polars does not know.
_UNIT = b"\x1f"


def read_table(
    path: Path,
    advice: str,
    rejects: Rejects,
    separator: str,
    quoted: bool = False,
    names: Sequence[str] | None = None,
    encoding: str = "utf-8",
    quote: str = '"',
) -> Iterator[pl.DataFrame]:
    """Blocks of the table's rows; at least one, which may be empty.

    Blanks around the names of a header are dropped; a name that is empty becomes ``column_3``. A row that is
    the header again, left from files that were joined, is passed over (:meth:`Rejects.pass_over`).

    Args:
        path: the file, packed or not (see :mod:`userip_lightning.data.parsing.lines`).
        advice: what to do where it is missing or empty, as the end of a sentence.
        rejects: takes the bad rows.
        separator: between fields; of several characters only where ``quoted`` is False.
        quoted: fields may stand in quotes, as in CSV, and then hold separators and line breaks.
        names: column names of a table without a header; None takes them from the first line.
        encoding: of the file, unless a byte order mark tells another.
        quote: the character that quotes.

    Yields:
        ``ROW`` (Int64) and every column as strings; empty fields are null.

    Raises:
        InputError: the file is missing, empty or damaged; a column name comes twice or is :data:`ROW`; a row
            is the header in another order; more bad rows than allowed.
    """
    frames = (
        _quoted(path, advice, rejects, separator, names, encoding, quote)
        if quoted
        else _plain(path, advice, rejects, separator, names, encoding)
    )
    for frame in frames:
        yield without_headers(frame, path, rejects)


def _plain(
    path: Path, advice: str, rejects: Rejects, separator: str, names: Sequence[str] | None, encoding: str
) -> Iterator[pl.DataFrame]:
    blocks = read_lines(path, advice, rejects, encoding, header=names is None)
    if names is None:
        header = next(blocks).text.decode().rstrip("\n")
        names = _header(header.split(separator), path)
    yield _empty(names)
    for lines in blocks:
        yield _split(_even(lines, separator, len(names), path, rejects), separator, names)


def read_typed(path: Path, advice: str, rejects: Rejects, required: Sequence[str]) -> Iterator[pl.DataFrame]:
    """A RecBole atomic file: tab-separated, header fields like ``user_id:token``; types are cut off.

    Raises:
        InputError: as :func:`read_table`, or one of the ``required`` columns is missing.
    """
    for frame in read_table(path, advice, rejects, "\t"):
        typed = frame.columns[1:]
        names = _header([name.split(":")[0] for name in typed], path)
        named = frame.rename(dict(zip(typed, names, strict=True)))
        yield require_columns(named, path, required)


def _header(names: Sequence[str], path: Path) -> list[str]:
    names = plain_names(names)
    if ROW in names:
        raise InputError(f"{path}: the column name {ROW!r} is taken by this program; rename it.")
    again = [name for place, name in enumerate(names) if name in names[:place]]
    if again:
        raise InputError(f"{path}: column {again[0]!r} comes twice in the header; rename one of them.")
    return names


def _empty(names: Sequence[str]) -> pl.DataFrame:
    return pl.DataFrame(schema={ROW: pl.Int64(), **dict.fromkeys(names, pl.String())})


def _even(lines: Lines, separator: str, fields: int, path: Path, rejects: Rejects) -> Lines:
    """The lines with the right number of fields."""
    text = lines.text
    if len(separator.encode()) == 1:
        data = np.frombuffer(text, dtype=np.uint8)
        upto = np.cumsum(data == ord(separator), dtype=np.int64)[np.flatnonzero(data == ord("\n"))]
        found = np.diff(upto, prepend=0) + 1
    else:
        found = np.array([line.count(separator.encode()) + 1 for line in text[:-1].split(b"\n")])
    bad = np.flatnonzero(found != fields)
    if not bad.size:
        return lines
    every = text[:-1].split(b"\n")
    for place in bad:
        reason = f"has {found[place]} fields, expected {fields}"
        rejects.add(path, int(lines.rows[place]), reason, every[place][:1000].decode(errors="ignore"))
    kept = np.flatnonzero(found == fields)
    return Lines(b"".join(every[place] + b"\n" for place in kept), lines.rows[kept])


def _split(lines: Lines, separator: str, names: Sequence[str]) -> pl.DataFrame:
    if not lines.rows.size:
        return _empty(names)
    text, sign = lines.text, separator
    if len(separator.encode()) > 1:
        text, sign = text.replace(_UNIT, b" ").replace(separator.encode(), _UNIT), _UNIT.decode()
    frame = pl.read_csv(
        text, separator=sign, quote_char=None, has_header=False, new_columns=list(names), infer_schema=False
    )
    return frame.insert_column(0, pl.Series(ROW, lines.rows))


def _quoted(
    path: Path,
    advice: str,
    rejects: Rejects,
    separator: str,
    names: Sequence[str] | None,
    encoding: str,
    quote: str,
) -> Iterator[pl.DataFrame]:
    records = read_records(path, advice, rejects, separator, encoding, names is None, quote)
    if names is None:
        first = next(records).fields
        if not first:
            raise InputError(f"{path}: the header is blank; {advice}.")
        names = _header(first[0], path)
    yield _empty(names)
    for rows, fields in records:
        even = [len(record) == len(names) for record in fields]
        for row, record in compress(zip(rows, fields, strict=True), map(not_, even)):
            reason = f"has {len(record)} fields, expected {len(names)}"
            rejects.add(path, row, reason, separator.join(record))
        columns = list(zip(*compress(fields, even), strict=True)) or [()] * len(names)
        values = [
            pl.Series(name, column, dtype=pl.String) for name, column in zip(names, columns, strict=True)
        ]
        frame = pl.DataFrame([pl.Series(ROW, list(compress(rows, even)), dtype=pl.Int64), *values])
        yield frame.with_columns(pl.col(pl.String).replace("", None))
