"""JSON objects of one's own as a table: its columns are the keys that it begins with."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from userip_lightning.data.parsing.columns import ROW
from userip_lightning.data.parsing.json_documents import read_objects
from userip_lightning.data.parsing.json_lines import load_line, read_json_lines, why_refused
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.errors import InputError

_LINES = 1000


def read_json_table(
    path: Path,
    advice: str,
    rejects: Rejects,
    scalars: Sequence[str],
    optional: Sequence[str] = (),
    ids: Sequence[str] = (),
) -> Iterator[pl.DataFrame]:
    """Blocks of rows with a column of strings for every key of the first 1,000 objects, and ``optional``.

    Other keys that appear later only are not read.

    Args:
        path: JSON objects, packed or not (see :mod:`userip_lightning.data.parsing.json_documents`).
        advice: what to do where it is missing, empty or damaged, as the end of a sentence.
        rejects: takes the bad lines.
        scalars: keys whose value is no list and no object; elsewhere these are kept as JSON text.
        optional: those of ``scalars`` that are read wherever they appear, or are null.
        ids: those of ``scalars`` that are ids.

    Raises:
        InputError: the file is missing, empty or damaged, begins with no JSON object, or is one object that
            holds all others; more bad lines than allowed.
    """
    keys = dict.fromkeys((*_keys(path, advice, scalars), *optional))
    plain = [key for key in keys if key in scalars]
    others = dict.fromkeys((key for key in keys if key not in scalars), pl.String())
    yield from read_json_lines(path, advice, rejects, plain, others, [key for key in plain if key in ids])


def _keys(path: Path, advice: str, scalars: Sequence[str]) -> list[str]:
    first = next(read_objects(path, advice, Rejects(sys.maxsize)), None)
    keys: dict[str, None] = {}
    found: list[dict[str, Any]] = []
    for line in first.text.split(b"\n", _LINES)[:_LINES] if first else ():
        try:
            value = load_line(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            found.append(value)
            keys.update(dict.fromkeys(filter(_is_text, value)))
    if len(found) == 1:
        _refuse_whole(found[0], path, scalars)
    if ROW in keys:
        raise InputError(f"{path}: the key {ROW!r} is taken by this program; rename it.")
    if not keys:
        line = first.text.partition(b"\n")[0] if first else b""
        why = f" (the first {why_refused(line, {})})" if line else ""
        raise InputError(f"{path}: none of its first {_LINES} lines is a JSON object{why}; {advice}.")
    return list(keys)


def _refuse_whole(value: dict[str, Any], path: Path, scalars: Sequence[str]) -> None:
    """Say where the objects are, if one holds them all."""
    if any(key in scalars and not isinstance(given, dict | list) for key, given in value.items()):
        return
    inside = next((key for key, given in value.items() if isinstance(given, list) and given), None)
    if inside is not None and all(isinstance(given, dict) for given in value[inside]):
        raise InputError(
            f"{path}: the file is one JSON object with all others in a list under {inside!r}, expected an "
            f"object a row; write them by `jq -c '.[\"{inside}\"][]'`."
        )
    if value and all(isinstance(given, dict | list) for given in value.values()):
        raise InputError(
            f"{path}: the file is one JSON object with a whole column under every key, expected an object a "
            "row; write it by pandas' to_json(orient='records', lines=True)."
        )


def _is_text(key: str) -> bool:
    # A lone surrogate is text to Python and to nobody else.
    return key.encode(errors="ignore").decode() == key
