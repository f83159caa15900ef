"""JSON lines of any size as blocks of columns.

Every field is read as a string, whatever its type in the file, and checked and converted afterwards: a
rating may be ``5.0`` or ``"5.0"``. Polars parses a block at a time; where it refuses, the block is halved
until the bad lines are alone. Of ids the type is looked up in the line where the string may hide it.
"""

from __future__ import annotations

import ast
import json
import re
import reprlib
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from userip_lightning.data.parsing.columns import ROW
from userip_lightning.data.parsing.json_documents import read_objects
from userip_lightning.data.parsing.json_repair import with_whole_characters, without_names
from userip_lightning.data.parsing.lines import Lines
from userip_lightning.data.parsing.nested import one_value
from userip_lightning.data.parsing.rejects import Rejects

#: What polars writes for a list or an object where a string is asked for.
_NESTED = r"^[\[{]"
# What polars writes for a boolean, an infinity, a fraction, or a float whose neighbours are no integers.
_TYPED = r"^(?:true|false|-?Infinity|-?[0-9]*\.[0-9]+|-?[0-9]{16,})$"
_EXACT = 2**53
_LONGEST_LITERAL = 1 << 20
_DIGITS = 4000


def read_json_lines(
    path: Path,
    advice: str,
    rejects: Rejects,
    scalars: Sequence[str],
    nested: Mapping[str, pl.DataType] | None = None,
    ids: Sequence[str] = (),
) -> Iterator[pl.DataFrame]:
    """Blocks of the file's rows.

    A line that is no JSON object is rejected, and so is one with a list or an object in a field of
    ``scalars``. A field that a line lacks is null, and so is NaN; fields that are not asked for are passed
    over.

    Args:
        path: JSON objects, packed or not (see :mod:`userip_lightning.data.parsing.json_documents`).
        advice: what to do where it is missing, empty or damaged, as the end of a sentence.
        rejects: takes the bad lines.
        scalars: fields to read as strings.
        nested: fields that hold lists or objects, with their types; a line whose field has another shape is
            rejected. ``pl.String()`` gives any value as JSON text.
        ids: those of ``scalars`` that are ids: booleans, fractions and floats from 2^53 on are rejected.

    Yields:
        ``ROW`` (Int64, place of the line in the file, from 0), ``scalars`` and ``nested``.

    Raises:
        InputError: the file is missing, empty or damaged; more bad lines than allowed.
    """
    for lines in read_objects(path, advice, rejects):
        yield parse_lines(lines, path, rejects, scalars, nested or {}, ids)


def parse_lines(
    lines: Lines,
    path: Path,
    rejects: Rejects,
    scalars: Sequence[str],
    nested: Mapping[str, pl.DataType],
    ids: Sequence[str] = (),
) -> pl.DataFrame:
    """One block of what :func:`read_json_lines` yields.

    Raises:
        InputError: more bad lines than allowed.
    """
    schema = {**dict.fromkeys(scalars, pl.String()), **nested}
    written, lines = lines, lines._replace(text=with_whole_characters(lines.text))
    frame = _parsed(lines.text, lines.rows, schema)
    if frame is None:
        plain = lines._replace(text=without_names(lines.text))
        frame = _halved(plain, schema, path, rejects)
    frame = _sifted(frame, lines, scalars, _NESTED, _nested_fault, path, rejects)
    if written.text is not lines.text:
        frame = _sifted(frame, written, ids, "\ufffd", _half_fault, path, rejects)
    if not ids or not _bare(ids).search(lines.text):
        return frame
    frame = frame.with_columns(pl.col(list(ids)).replace("-0", "0"))  # as polars writes -0.0
    return _sifted(frame, lines, ids, _TYPED, _id_fault, path, rejects)


def _parsed(text: bytes, rows: NDArray[np.int64], schema: Mapping[str, pl.DataType]) -> pl.DataFrame | None:
    """The lines as a frame, or None where one of them cannot be read."""
    try:
        frame = pl.read_ndjson(text, schema=schema)
    except pl.exceptions.PolarsError:
        return None
    if frame.height != rows.size:
        return None
    return frame.insert_column(0, pl.Series(ROW, rows))


def _halved(lines: Lines, schema: Mapping[str, pl.DataType], path: Path, rejects: Rejects) -> pl.DataFrame:
    """The good lines of a block that has bad ones; those go to ``rejects`` in their order."""
    texts = lines.text[:-1].split(b"\n")
    good: list[pl.DataFrame] = []
    spans = [(0, len(texts))]
    while spans:
        start, end = spans.pop()
        frame = _parsed(b"\n".join(texts[start:end]), lines.rows[start:end], schema)
        if frame is not None:
            good.append(frame)
        elif end - start == 1:
            reason = why_refused(texts[start], schema)
            rejects.add(path, int(lines.rows[start]), reason, texts[start].decode())
        else:
            middle = (start + end) // 2
            spans += [(middle, end), (start, middle)]
    return pl.concat([pl.DataFrame(schema={ROW: pl.Int64(), **schema}), *good])


def why_refused(line: bytes, schema: Mapping[str, pl.DataType]) -> str:
    """Why a line is no row, as a verb phrase."""
    try:
        value = load_line(line)
    except RecursionError:
        return "is nested too deep"
    except ValueError as error:
        if _is_literal(line):
            return "is no JSON but a Python dictionary; write it with json.dumps"
        if getattr(error, "msg", "") == "Extra data":
            return "has something behind its JSON object; put one object on a line"
        return f"is no JSON ({error})"
    if isinstance(value, list):
        return "is a JSON array, expected one object"
    if not isinstance(value, dict):
        return "is no JSON object"
    large = next((name for name, given in value.items() if given in (np.inf, -np.inf)), None)
    if large is not None:
        return f"has a number beyond 1.8e308 as {large}"
    for name, dtype in schema.items():
        if _parsed(line, np.zeros(1, dtype=np.int64), {name: dtype}) is None:
            expected = {pl.List: "a list", pl.Struct: "an object"}.get(dtype.base_type(), "one value")
            return f"has {reprlib.repr(value.get(name))} as {name}, expected {expected}"
    return "cannot be read as JSON"


def load_line(line: bytes) -> Any:
    """A line's value. Python refuses integers of more than 4,300 digits; what is longer is cut, and no id."""
    return json.loads(line, parse_int=lambda digits: int(digits[:_DIGITS]))


def _bare(names: Sequence[str]) -> re.Pattern[bytes]:
    """Finds a value of these keys that is no string, no list, no object and no plain integer."""
    keys = {spelt for name in names for spelt in (json.dumps(name), json.dumps(name, ensure_ascii=False))}
    return re.compile(
        rb"(?:%b)\s*:\s*-?(?:[tfIN]|[0-9]+[.eE])" % b"|".join(re.escape(key.encode()) for key in keys)
    )


def _is_literal(line: bytes) -> bool:
    if len(line) > _LONGEST_LITERAL:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes that mean nothing, such as "\d"
            return isinstance(ast.literal_eval(line.decode().strip()), dict)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False


def _sifted(
    frame: pl.DataFrame,
    lines: Lines,
    names: Sequence[str],
    suspicious: str,
    fault: Callable[[str, object], str | None],
    path: Path,
    rejects: Rejects,
) -> pl.DataFrame:
    """Reject what ``fault`` finds among ``names``; only lines with a ``suspicious`` string are read again."""
    suspects = frame.select(
        pl.any_horizontal(pl.lit(False), *(pl.col(name).str.contains(suspicious) for name in names))
    ).to_series()
    if not suspects.any():
        return frame
    texts, bad = lines.text.split(b"\n"), []
    for row in frame[ROW].filter(suspects):
        place = int(np.searchsorted(lines.rows, row))
        value = load_line(texts[place])
        found = next(filter(None, (fault(name, value.get(name)) for name in names)), None)
        if found:
            bad.append(row)
            rejects.add(path, row, found, texts[place].decode())
    return frame.filter(~pl.col(ROW).is_in(bad))


def _nested_fault(name: str, value: object) -> str | None:
    """A list or an object; a string may begin with a bracket and stay."""
    if not isinstance(value, list | dict):
        return None
    way_out = f" ({one_value({name: value})} writes one)" if isinstance(value, dict) and value else ""
    return (
        f"has {'a list' if isinstance(value, list) else 'an object'} as {name}, expected one value{way_out}"
    )


def _half_fault(name: str, value: object) -> str | None:
    """Half of a surrogate pair: several of them would become one id."""
    half = isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value)
    return f"has half of a character in {name}" if half else None


def _id_fault(name: str, value: object) -> str | None:
    """What is no string, no integer and no float that is one."""
    if isinstance(value, bool):
        return f"has {str(value).lower()} as {name}, expected text or a whole number"
    if isinstance(value, float) and not (value.is_integer() and abs(value) < _EXACT):
        return f"has {value} as {name}, expected text or a whole number, below 2^53 if a float"
    return None
