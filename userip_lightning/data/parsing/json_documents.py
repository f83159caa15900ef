"""JSON objects of a file, one a line, however they are laid out there.

Lines of one object each are handed on as they are. An array of objects, objects over several lines, objects
one behind the other and objects with commas between them are read as a stream and put on a line each; a row
is then the place of its object among all objects, from 0.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from userip_lightning.data.parsing.lines import BLOCK_BYTES, Lines, read_lines, read_pieces
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.errors import InputError

_DECODER = json.JSONDecoder(parse_int=float)  # its values are not kept, and int() refuses long ones
_BETWEEN = " \t\r\n\f\v,"
_LONGEST = 64 << 20
_HEAD = 1 << 20


def read_objects(path: Path, advice: str, rejects: Rejects) -> Iterator[Lines]:
    """Blocks of lines, each with an object or with what stands in its place.

    Args:
        path: the file, packed or not (see :mod:`userip_lightning.data.parsing.lines`).
        advice: what to do where it is missing, empty or damaged, as the end of a sentence.
        rejects: takes lines that are no text.

    Raises:
        InputError: the file is missing, empty or damaged; of a file that is no JSON lines, something that is
            no JSON, a bracket that does not close, or an object beyond 64 MiB.
    """
    head = next(read_pieces(path, advice), b"")[:_HEAD].decode(errors="replace").lstrip()
    if _is_one_a_line(head):
        yield from read_lines(path, advice, rejects)
    else:
        yield from _in_blocks(_objects(path, advice), path, rejects)


def _is_one_a_line(head: str) -> bool:
    """Whether a file that begins so has an object a line; so is everything that no other layout explains."""
    if head.startswith("["):
        return head[1:].lstrip()[:1] not in ("{", "]", "")
    first = head.partition("\n")[0]
    if first.strip() == "{":
        return head[1:].lstrip()[:1] not in ('"', "}")
    if not first.startswith("{") or _is_json(first):
        return True
    try:
        end = _DECODER.raw_decode(head)[1]
    except (ValueError, RecursionError):
        return True
    return end <= len(first) and first[end:].lstrip()[:1] not in ("{", ",")


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _objects(path: Path, advice: str) -> Iterator[str]:
    """Everything between brackets and commas, as it is written."""
    decode = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode
    text, depth, count, lines = "", 0, 0, 1
    for piece in chain(read_pieces(path, advice), [None]):
        text, place = text + decode(piece or b"", piece is None), 0
        while True:
            place, depth, lines = _next(text, place, depth, lines)
            if place == len(text):
                break
            try:
                end = _DECODER.raw_decode(text, place)[1]
            except (ValueError, RecursionError) as error:
                if piece is not None and len(text) - place < _LONGEST:
                    break
                raise InputError(
                    f"{path}: object {count + 1}, which begins in line {lines}, is no JSON ({_why(error)}); "
                    "mend it, or write one object per line to leave such rows out."
                ) from None
            if end == len(text) and piece is not None:
                break  # a number may go on
            yield text[place:end]
            lines += text.count("\n", place, end)
            place, count = end, count + 1
        text = text[place:]
    if depth:
        raise InputError(
            f"{path}: the JSON array does not end, the file breaks off in line {lines}; {advice}."
        )


def _next(text: str, place: int, depth: int, lines: int) -> tuple[int, int, int]:
    """Where something begins, inside how many brackets, and in which line."""
    while place < len(text) and (
        text[place] in _BETWEEN or text[place] == "[" or (text[place] == "]" and depth)
    ):
        lines += text[place] == "\n"
        depth += (text[place] == "[") - (text[place] == "]")
        place += 1
    return place, depth, lines


def _why(error: Exception) -> str:
    return error.msg if isinstance(error, json.JSONDecodeError) else "it is nested too deep"


def _in_blocks(objects: Iterator[str], path: Path, rejects: Rejects) -> Iterator[Lines]:
    """Objects on a line each. A line break inside of one stands between its parts: strings have none."""
    found: list[bytes] = []
    rows: list[int] = []
    size = 0
    for row, text in enumerate(objects):
        try:
            found.append(text.replace("\r", " ").replace("\n", " ").encode() + b"\n")
        except UnicodeEncodeError:
            rejects.add(path, row, "is not utf-8 text", text)
            continue
        rows.append(row)
        size += len(found[-1])
        if size > BLOCK_BYTES:
            yield Lines(b"".join(found), np.array(rows, dtype=np.int64))
            found, rows, size = [], [], 0
    if found:
        yield Lines(b"".join(found), np.array(rows, dtype=np.int64))
