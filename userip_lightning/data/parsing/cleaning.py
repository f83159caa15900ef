"""Text as a person wrote it: without markup, entities, control characters and superfluous blanks.

In this order: entities become characters (``&amp;`` is ``&``; twice, for shops escape twice), scripts, style
sheets, comments and tags go, control characters and runs of blanks become one blank, what is left blank
becomes null. A ``<`` that opens no tag (``I <3 this``) stays.

The language is left as it is. ``latin`` sets a text aside whose letters are mostly of another script: a small
language model's tokenizer spends a token on every byte of it and learnt nothing about it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import polars as pl

_ENTITY = r"&(?:#\d|#[xX][0-9a-fA-F]|[a-zA-Z])"
# The closing tag may be missing in a text that was cut; then nothing but the opening tag goes.
_BLOCKS = r"(?is)<(?:script\b.*?</script|style\b.*?</style|!--.*?--)\s*>"
_TAG = r"(?s)</?[a-zA-Z][^<>]*>"
_BLANK = r"[\x00-\x1F\x7F-\x{A0}\x{1680}\x{2000}-\x{200B}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}\x{FEFF}]"
_NUMERIC = re.compile(r"&#0*(\d{8,}|[xX]0*[0-9a-fA-F]{7,});?")


def clean(text: pl.Series, latin: bool = False) -> pl.Series:
    """Clean texts; null where nothing is left.

    Args:
        text: Strings.
        latin: null where more than half of the letters belong to another script than Latin.
    """
    name = text.name
    text = _change(text, text.str.contains(_ENTITY), _decode)
    text = _change(text, text.str.contains("<", literal=True), _without_tags)
    text = _change(text, text.str.contains("  ", literal=True) | text.str.contains(_BLANK), _with_blanks)
    text = text.str.strip_chars(" ")
    kept = text != ""
    if latin:
        letters = text.str.count_matches(r"\p{L}")
        kept = kept & (2 * text.str.count_matches(r"\p{Latin}") >= letters)
    return pl.select(pl.when(kept).then(text)).to_series().alias(name)


def _change(text: pl.Series, where: pl.Series, how: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """``text`` with ``how`` applied to the few that need it."""
    places = where.fill_null(False).arg_true()
    return text.clone().scatter(places, how(text.gather(places))) if places.len() else text


def _without_tags(text: pl.Series) -> pl.Series:
    return text.str.replace_all(_BLOCKS, " ").str.replace_all(_TAG, " ")


def _with_blanks(text: pl.Series) -> pl.Series:
    return text.str.replace_all(f"(?:{_BLANK}| )+", " ")


def _decode(text: pl.Series) -> pl.Series:
    """Entities as characters, by the table of HTML 5; a number that no character has becomes a blank."""
    return pl.Series([_unescape(_unescape(value)) for value in text], dtype=pl.String)


def _unescape(text: str) -> str:
    return html.unescape(_NUMERIC.sub(" ", text))
