"""Texts of a log in which no letters are taken for a control token.

A tokenizer reads the letters ``<|endoftext|>`` or ``</s>`` as the token of that name, also inside a title,
where they end the text for the model. Here a blank goes behind the first of these letters, so that they are
letters for every kind of tokenizer (``split_special_tokens`` of transformers is not known to all, and leaves
names that are also words of the vocabulary). Prompts and chat templates keep their own control tokens: only
what comes from tables passes through here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import polars as pl

# Tokens that transformers does not call special and that mean something all the same: <tool_call>, [INST].
_NAMED = re.compile(r"<.+>|\[.+\]")


def control_tokens(tokenizer: object) -> list[str]:
    """Names of two and more characters that a tokenizer reads as one token with a meaning."""
    names = [str(name).strip() for name in getattr(tokenizer, "all_special_tokens", ())]
    for token in getattr(tokenizer, "added_tokens_decoder", {}).values():
        name = str(token).strip()
        if token.special or _NAMED.fullmatch(name):
            names.append(name)
    return sorted({name for name in names if len(name) > 1}, key=lambda name: (-len(name), name))


def plain_texts(texts: Sequence[str], tokenizer: object) -> list[str]:
    """Texts without control tokens; those that have none stay as they are."""
    names = control_tokens(tokenizer)
    return _plain(pl.Series(texts, dtype=pl.String), names).to_list() if names else list(texts)


def plain_table(table: pl.DataFrame, tokenizer: object) -> pl.DataFrame:
    """A table of items or users whose columns of strings have no control tokens; ids stay as they are."""
    names = control_tokens(tokenizer)
    columns = [name for name, dtype in table.schema.items() if dtype == pl.String and name[-3:] != "_id"]
    return table.with_columns(_plain(table[name], names) for name in columns) if names else table


def _plain(column: pl.Series, names: list[str]) -> pl.Series:
    frame = column.alias("text").to_frame()
    seen = (pl.col("text"), pl.col("text").str.normalize("NFKC"))  # some tokenizers normalise first
    suspects = frame.select(
        pl.any_horizontal(text.str.contains_any(names, ascii_case_insensitive=True) for text in seen)
    ).to_series()
    places = suspects.fill_null(False).arg_true()
    if places.is_empty():
        return column
    pattern = re.compile(
        "|".join(re.escape(name) if name.isalnum() else f"(?i:{re.escape(name)})" for name in names)
    )
    return column.scatter(places, [_apart(text, pattern) for text in column.gather(places)])


def _apart(text: str, pattern: re.Pattern[str]) -> str:
    if not pattern.search(text):
        text = unicodedata.normalize("NFKC", text)
    while pattern.search(text):
        text = pattern.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)
    return text
