"""JSON as Python writes it, to JSON as its standard has it.

``NaN`` becomes null, ``Infinity`` and integers beyond 128 bits their text, half of a surrogate pair U+FFFD.
Nothing else of a line is touched.
"""

from __future__ import annotations

import re

# Escapes one after the other, so that the second half of \\ud83d is not taken for one.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)
_HALF = re.compile(
    rb"\\u[dD](?:[89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD])[c-fC-F])"
)
_LONG = re.compile(rb"NaN|Infinity|[0-9]{38}")
_STRING_OR_LONG = re.compile(
    rb'"(?:[^"\\]|\\.)*"|(-?\bInfinity\b|(?<![\w.+-])-?[0-9]{38,}(?![\w.]))|(\bNaN\b)'
)


def with_whole_characters(text: bytes) -> bytes:
    """JSON without half surrogates, of which parsers make what they like."""
    if not _HALF.search(text):
        return text
    return _ESCAPE.sub(lambda found: b"\\ufffd" if found[1] else found[0], text)


def without_names(text: bytes) -> bytes:
    """Lines without ``NaN``, ``Infinity`` and longer integers outside of strings."""
    if not _LONG.search(text):
        return text
    lines = text.split(b"\n")
    return b"\n".join(_STRING_OR_LONG.sub(_plain, line) if _LONG.search(line) else line for line in lines)


def _plain(found: re.Match[bytes]) -> bytes:
    if found[2]:
        return b"null"
    return b'"' + found[1] + b'"' if found[1] else found[0]
