"""Anybody's text in a Markdown file: titles and names are shown as they are, never read as markup or HTML."""

from __future__ import annotations

import re

# Emphasis, code, strikethrough, formulas and the borders of cells; _ inside a word means nothing.
_MARKS = re.compile(r"[\\`*~|$]|(?<![^\W_])_|_(?![^\W_])")
_ENTITY = re.compile(r"&(?=#?\w+;)")


def cell(text: str) -> str:
    """A text inside a table or a heading, on one line, without any markup of its own."""
    return _inert(_MARKS.sub(lambda mark: f"\\{mark[0]}", text))


def line(text: str) -> str:
    """A sentence of ours that may quote somebody: `code` in it stays, HTML and links become text."""
    return _inert(text)


def code(text: str) -> str:
    """A text as `code`."""
    return f"`{' '.join(text.split()).replace('`', chr(39))}`"


def _inert(text: str) -> str:
    whole = _ENTITY.sub("&amp;", " ".join(text.splitlines()))
    return whole.replace("<", "&lt;").replace("](", "]\\(")
