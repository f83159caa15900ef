"""What explains a row: the start of its review, or else a text of its item.

Which of the two it is makes all the difference to a reader of BLEU and ROUGE, so it is kept for every row.
A sampled negative has no text: nobody ever explained it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from userip_lightning.baselines.pepler.rows import IGNORED, Ints
from userip_lightning.errors import InputError
from userip_lightning.lm.control_tokens import plain_table, plain_texts
from userip_lightning.lm.prompt import PromptTemplate, Tokenizer

#: Where the text of a row comes from.
REVIEW, ITEM, NONE = "review", "item", "none"
#: Texts that are tokenised at a time.
_CHUNK = 4096


class Texts(NamedTuple):
    """Texts of N rows; those of one item share theirs."""

    ids: NDArray[np.int32]  # [M, T + 1] token ids and the end of text, filled up with IGNORED
    place: Ints  #            [N] row of ``ids``, -1 where there is no text
    kind: pl.Series  #        [N] REVIEW, ITEM or NONE


def write_texts(events: pl.DataFrame, items: pl.DataFrame, item: str, tokenizer: Any, tokens: int) -> Texts:
    """Choose and tokenise the texts of rows.

    Args:
        events: N rows of prepared data.
        items: the item table of prepared data.
        item: how an item is written; its columns in braces.
        tokenizer: of the language model.
        tokens: T; longer texts are cut.

    Raises:
        InputError: ``item`` names a column that the items do not have or is no template, or the tokenizer
            has no end of text.
    """
    if tokenizer.eos_token_id is None:
        raise InputError("lm.name: the tokenizer has no end of text; choose another language model.")
    of_items = _item_texts(plain_table(items, tokenizer), item)
    review = events["review"].str.strip_chars()
    spoken = (events["logged"] & review.is_not_null() & (review != "")).fill_null(False).to_numpy()
    reviews = [_first_words(text, tokens) for text in review.filter(pl.Series(spoken))]
    ids = _tokenise([*of_items, *plain_texts(reviews, tokenizer)], tokenizer, tokens)
    place = np.where(events["logged"].to_numpy(), events["item"].to_numpy(), -1).astype(np.int64)
    place[spoken] = len(of_items) + np.arange(len(reviews))
    # A text that tokenises to nothing explains nothing.
    place[(place >= 0) & (ids[place, 0] == tokenizer.eos_token_id)] = -1
    kind = np.where(place < 0, NONE, np.where(place < len(of_items), ITEM, REVIEW))
    return Texts(ids, place, pl.Series("kind", kind.tolist(), dtype=pl.String))


def decode(ids: Sequence[int], tokenizer: Tokenizer) -> str:
    """Words of token ids up to the end of text; what fills up is left out."""
    words: list[int] = []
    for token in ids:
        if token in (tokenizer.eos_token_id, IGNORED):
            break
        words.append(token)
    return str(tokenizer.decode(words)).strip()


def _item_texts(items: pl.DataFrame, item: str) -> list[str]:
    """Texts of all items, "" for one that lacks a field."""
    template = PromptTemplate(item=item)
    try:
        fields = template.item_fields()
        unknown = [name for name in fields if name not in items.columns]
        rows = items.sort("item").to_dicts() if not unknown else []
        texts = [(template.write_item(row) or "").strip() for row in rows]
    except (ValueError, LookupError) as error:
        raise InputError(
            f"data.item_text: {item!r} is no template ({error}); give columns in braces."
        ) from None
    if unknown:
        raise InputError(
            f"data.item_text: {unknown[0]!r} is no column of the items; "
            f"choose from {', '.join(items.columns)}."
        )
    return texts


def _first_words(text: str, words: int) -> str:
    """A word has at least one token: no need to tokenise what is cut anyway."""
    return " ".join(text.split(maxsplit=words)[:words])


def _tokenise(texts: Sequence[str], tokenizer: Any, tokens: int) -> NDArray[np.int32]:
    ids = np.full((len(texts), tokens + 1), IGNORED, dtype=np.int32)
    for first in range(0, len(texts), _CHUNK):
        encoded = tokenizer(list(texts[first : first + _CHUNK]), add_special_tokens=False)["input_ids"]
        for row, words in enumerate(encoded, start=first):
            cut = [*words[:tokens], tokenizer.eos_token_id]
            ids[row, : len(cut)] = cut
    return ids
