"""JSON lines of one's own as a table: its columns are the keys that it begins with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from userip_lightning.data.columns import ROW
from userip_lightning.data.json_lines import read_json_lines
from userip_lightning.data.lines import read_blocks
from userip_lightning.data.rejects import Rejects
from userip_lightning.errors import InputError

_LINES = 1000


def read_json_table(
    path: Path, advice: str, rejects: Rejects, scalars: Sequence[str], optional: Sequence[str] = ()
) -> Iterator[pl.DataFrame]:
    """Blocks of rows with a column of strings for every key of the first 1,000 lines, and ``optional``.

    Other keys that appear later only are not read.

    Args:
        path: one JSON object per line, packed or not.
        advice: what to do where it is missing, empty or damaged, as the end of a sentence.
        rejects: takes the bad lines.
        scalars: keys whose value is no list and no object; elsewhere these are kept as JSON text.
        optional: those of ``scalars`` that are read wherever they appear, or are null.

    Raises:
        InputError: the file is missing, empty or damaged, or begins with no JSON object; more bad lines than
            allowed.
    """
    keys = dict.fromkeys((*_keys(path, advice), *optional))
    plain = [key for key in keys if key in scalars]
    others = dict.fromkeys((key for key in keys if key not in scalars), pl.String())
    yield from read_json_lines(path, advice, rejects, plain, others)


def _keys(path: Path, advice: str) -> list[str]:
    first = next(read_blocks(path, advice), b"")
    keys: dict[str, None] = {}
    for line in first.split(b"\n", _LINES)[:_LINES]:
        try:
            value = json.loads(line.decode())
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            keys.update(dict.fromkeys(filter(_is_text, value)))
    if ROW in keys:
        raise InputError(f"{path}: the key {ROW!r} is taken by this program; rename it.")
    if not keys:
        raise InputError(f"{path}: none of its first {_LINES} lines is a JSON object; {advice}.")
    return list(keys)


def _is_text(key: str) -> bool:
    # A lone surrogate is text to Python and to nobody else.
    return key.encode(errors="ignore").decode() == key
