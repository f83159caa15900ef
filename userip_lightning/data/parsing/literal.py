"""Python literals as JSON: what Amazon's metadata of 2014 is written in, one dictionary a line.

Nothing is evaluated. Most lines differ from JSON in their quotes alone and are turned over by exchanging
them, some ten times as fast as Python's own parser; that one (:func:`ast.literal_eval`) gets the rest:
escapes, ``None``, ``True``, tuples.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from userip_lightning.data.parsing.json_lines import parse_lines
from userip_lightning.data.parsing.lines import Lines, read_lines
from userip_lightning.data.parsing.rejects import Rejects

_STRING = re.compile(r"'([^']*)'|\"([^\"]*)\"")
# What Python writes outside of strings and JSON reads alike.
_ALIKE = re.compile(r"(?:[\s{}\[\]:,]|-?(?:0|[1-9]\d*(?!\d))(?:\.\d+(?!\d))?(?:e[+-]?\d+(?!\d))?)*")
_LONGEST = 1 << 20


def read_literal_lines(
    path: Path,
    advice: str,
    rejects: Rejects,
    scalars: Sequence[str],
    nested: Mapping[str, pl.DataType],
    ids: Sequence[str] = (),
) -> Iterator[pl.DataFrame]:
    """Blocks of a file with one dictionary per line; all but the notation as in
    :func:`userip_lightning.data.parsing.json_lines.read_json_lines`.

    Raises:
        InputError: the file is missing, empty or damaged; more bad lines than allowed.
    """
    for lines in read_lines(path, advice, rejects):
        texts = lines.text.decode().split("\n")[:-1]
        turned = [to_json(text) for text in texts]
        for row, text, json_text in zip(lines.rows, texts, turned, strict=True):
            if json_text is None:
                rejects.add(path, int(row), "is no Python literal", text)
        good = np.array([text is not None for text in turned], dtype=bool)
        if good.any():
            json_lines = "".join(f"{text}\n" for text in turned if text is not None)
            turned_lines = Lines(json_lines.encode(), lines.rows[good])
            yield parse_lines(turned_lines, path, rejects, scalars, nested, ids)


def to_json(line: str) -> str | None:
    """The line as JSON; null where it is no literal of dictionaries, lists, strings, numbers and constants.

    Args:
        line: one Python literal. A line beyond 1 MiB that is not near to JSON is given up.
    """
    if "\\" not in line:
        pieces = line.split("'")
        if '"' not in line and len(pieces) % 2 and _plain_outside(pieces[::2]):
            return '"'.join(pieces)
        if _plain_outside(_STRING.split(line)[::3]):
            return _STRING.sub(_requote, line)
    if len(line) > _LONGEST:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes that mean nothing, such as "\d"
            return json.dumps(ast.literal_eval(line), allow_nan=False)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def _plain_outside(pieces: list[str]) -> bool:
    """Whether JSON reads what lies outside of strings as Python does."""
    return _ALIKE.fullmatch(" ".join(pieces)) is not None


def _requote(match: re.Match[str]) -> str:
    single, double = match.groups()
    return f'"{double}"' if single is None else '"' + single.replace('"', '\\"') + '"'
