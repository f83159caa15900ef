"""The encoding of a text file: what its byte order mark says, and its bytes as UTF-8, piece by piece."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator

from userip_lightning.errors import InputError

#: Byte order marks; UTF-32 comes before UTF-16, whose mark it begins with.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UNREADABLE = "userip_unreadable"


def marked(start: bytes) -> str | None:
    """The encoding that a byte order mark at the start of a file tells; None without a mark."""
    return next((name for mark, name in _MARKS if start.startswith(mark)), None)


def require_encoding(name: str) -> str:
    """``name`` itself.

    Raises:
        InputError: Python knows no text encoding of that name.
    """
    try:
        "a".encode(name)
        codecs.getincrementaldecoder(name)
    except (LookupError, UnicodeError, ValueError):
        raise InputError(
            f"encoding: {name!r} is no text encoding; utf-8, utf-16, cp1252 (Windows, Western "
            "Europe) and latin-1 are frequent ones."
        ) from None
    return name


def as_utf8(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """The pieces of a file in UTF-8, without a byte order mark, which outweighs ``encoding``.

    What cannot be decoded becomes a byte that is no UTF-8 either, so its line is found out later. UTF-8
    itself is handed on as it is.
    """
    pieces = iter(pieces)
    first = next(pieces, b"")
    mark = marked(first)
    if (mark or codecs.lookup(encoding).name) in ("utf-8", "utf-8-sig"):
        yield first.removeprefix(codecs.BOM_UTF8)
        yield from pieces
        return
    decoder = codecs.getincrementaldecoder(mark or encoding)(_UNREADABLE)
    yield decoder.decode(first).encode("utf-8", "surrogateescape")
    for piece in pieces:
        yield decoder.decode(piece).encode("utf-8", "surrogateescape")
    yield decoder.decode(b"", True).encode("utf-8", "surrogateescape")


def _unreadable(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\udcff", error.end


codecs.register_error(_UNREADABLE, _unreadable)
