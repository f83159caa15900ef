"""JSON as Python writes it, to JSON as its standard has it.

``NaN`` becomes null, ``Infinity`` the text of that name, half of a surrogate pair U+FFFD. Nothing else of a
line is touched.
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
_STRING_OR_NAME = re.compile(rb'"(?:[^"\\]|\\.)*"|(-?\bInfinity\b)|(\bNaN\b)')
_NAMES = (b"NaN", b"Infinity")


def with_whole_characters(text: bytes) -> bytes:
    """JSON without half surrogates, of which parsers make what they like."""
    if not _HALF.search(text):
        return text
    return _ESCAPE.sub(lambda found: b"\\ufffd" if found[1] else found[0], text)


def without_names(text: bytes) -> bytes:
    """Lines without ``NaN`` and ``Infinity`` outside of strings."""
    if not any(name in text for name in _NAMES):
        return text
    lines = text.split(b"\n")
    return b"\n".join(
        _STRING_OR_NAME.sub(_plain, line) if any(name in line for name in _NAMES) else line for line in lines
    )


def _plain(found: re.Match[bytes]) -> bytes:
    if found[2]:
        return b"null"
    return b'"' + found[1] + b'"' if found[1] else found[0]
