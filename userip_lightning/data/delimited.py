"""Text tables as columns of strings, with the row in every complaint.

Rows are counted from 1, without the header, as :meth:`userip_lightning.schema.Interactions.validate` does.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from userip_lightning.data.columns import require_columns
from userip_lightning.errors import InputError


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


def read_text(path: Path, advice: str, encoding: str = "utf-8-sig") -> str:
    """The text of a file, unpacked if its name ends in ``.gz``.

    Raises:
        InputError: the file is missing, empty, truncated, or in another encoding.
    """
    try:
        raw = require_file(path, advice).read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode(encoding)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{path}: the gzip file is truncated or damaged ({error}); {advice}.") from None
    except UnicodeDecodeError as error:
        name = encoding.removesuffix("-sig")
        raise InputError(f"{path}: byte {error.start} is not {name} text; save the file as {name}.") from None
    if not text.strip():
        raise InputError(f"{path}: the file is empty; {advice}.")
    return text.replace("\r\n", "\n").rstrip("\n") + "\n"


def parse_table(
    text: str, path: Path, separator: str, quoted: bool = False, names: list[str] | None = None
) -> pl.DataFrame:
    """Every column as strings; empty fields are null.

    Args:
        text: the table.
        path: its file, for messages.
        separator: between fields.
        quoted: fields may stand in double quotes, as in CSV.
        names: column names of a table without a header; None takes them from the first line.

    Raises:
        InputError: a row has too few or too many fields, or a column name comes twice.
    """
    try:
        lines = _fields(text, separator, quoted)
        expected = len(names) if names else next(lines)
        for row, found in enumerate(lines, 1):
            if found != expected:
                raise InputError(
                    f"{path}: row {row} has {found} fields, expected {expected}; mend or delete it."
                )
        return pl.read_csv(
            text.encode(),
            separator=separator,
            quote_char='"' if quoted else None,
            has_header=names is None,
            new_columns=names,
            infer_schema=False,
        )
    except (csv.Error, pl.exceptions.PolarsError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"{path}: not a readable table ({reason}); check its quotes and separators."
        ) from None


def parse_typed(text: str, path: Path, required: list[str]) -> pl.DataFrame:
    """A RecBole atomic file: tab-separated, header fields like ``user_id:token``; types are cut off.

    Raises:
        InputError: a row is ragged or one of the ``required`` columns is missing.
    """
    frame = parse_table(text, path, "\t")
    frame = frame.rename({name: name.split(":")[0] for name in frame.columns})
    return require_columns(frame, path, required)


def _fields(text: str, separator: str, quoted: bool) -> Iterator[int]:
    """Number of fields of every line, or of every record where quotes may hold line breaks."""
    if quoted:
        return (len(row) for row in csv.reader(io.StringIO(text), delimiter=separator))
    return (line.count(separator) + 1 for line in text[:-1].split("\n"))
