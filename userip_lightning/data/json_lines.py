"""JSON lines of any size as blocks of columns.

Every field is read as a string, whatever its type in the file, and checked and converted afterwards: a
rating may be ``5.0`` or ``"5.0"``. Polars parses a block at a time; where it refuses, the block is halved
until the bad lines are alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from userip_lightning.data.columns import ROW
from userip_lightning.data.lines import Lines, read_lines
from userip_lightning.data.rejects import Rejects

#: What polars writes for a list or an object where a string is asked for.
_NESTED = r"^[\[{]"


def read_json_lines(
    path: Path,
    advice: str,
    rejects: Rejects,
    scalars: Sequence[str],
    nested: Mapping[str, pl.DataType] | None = None,
) -> Iterator[pl.DataFrame]:
    """Blocks of the file's rows.

    A line that is no JSON object is rejected, and so is one with a list or an object in a field of
    ``scalars``. A field that a line lacks is null; fields that are not asked for are passed over.

    Args:
        path: one JSON object per line, packed or not (see :mod:`userip_lightning.data.lines`).
        advice: what to do where it is missing, empty or damaged, as the end of a sentence.
        rejects: takes the bad lines.
        scalars: fields to read as strings.
        nested: fields that hold lists or objects, with their types; a line whose field has another shape is
            rejected. ``pl.String()`` gives any value as JSON text.

    Yields:
        ``ROW`` (Int64, place of the line in the file, from 0), ``scalars`` and ``nested``.

    Raises:
        InputError: the file is missing, empty or damaged; more bad lines than allowed.
    """
    for lines in read_lines(path, advice, rejects):
        yield parse_lines(lines, path, rejects, scalars, nested or {})


def parse_lines(
    lines: Lines, path: Path, rejects: Rejects, scalars: Sequence[str], nested: Mapping[str, pl.DataType]
) -> pl.DataFrame:
    """One block of what :func:`read_json_lines` yields.

    Raises:
        InputError: more bad lines than allowed.
    """
    schema = {**dict.fromkeys(scalars, pl.String()), **nested}
    frame = _parsed(lines.text, lines.rows, schema)
    if frame is None:
        frame = _halved(lines, schema, path, rejects)
    return _without_nested(frame, lines, scalars, path, rejects)


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
            rejects.add(path, int(lines.rows[start]), _reason(texts[start]), texts[start].decode())
        else:
            middle = (start + end) // 2
            spans += [(middle, end), (start, middle)]
    return pl.concat([pl.DataFrame(schema={ROW: pl.Int64(), **schema}), *good])


def _reason(line: bytes) -> str:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"is no JSON ({error})"
    if not isinstance(value, dict):
        return "is no JSON object"
    return "has a field of another shape than expected"


def _without_nested(
    frame: pl.DataFrame, lines: Lines, scalars: Sequence[str], path: Path, rejects: Rejects
) -> pl.DataFrame:
    """Reject lists and objects among ``scalars``; a string may begin with a bracket and stay."""
    if not scalars:
        return frame
    suspects = frame.select(
        pl.any_horizontal(pl.col(name).str.contains(_NESTED).fill_null(False) for name in scalars)
    ).to_series()
    if not suspects.any():
        return frame
    texts, bad = lines.text.split(b"\n"), []
    for row in frame[ROW].filter(suspects):
        place = int(np.searchsorted(lines.rows, row))
        value = json.loads(texts[place])
        found = next((name for name in scalars if isinstance(value.get(name), list | dict)), None)
        if found:
            bad.append(row)
            kind = "a list" if isinstance(value[found], list) else "an object"
            rejects.add(path, row, f"has {kind} as {found}, expected one value", texts[place].decode())
    return frame.filter(~pl.col(ROW).is_in(bad))
