"""Titles in tokens for a language model of any vocabulary: the game histories' where they were carried."""

from __future__ import annotations

import csv
import gzip
import zlib
from typing import Any

import numpy as np

from benchmarks.gpu.assets import ITEMS, Assets
from userip_lightning.lm.prompt import Tokenizer, encode_item
from userip_lightning.lm.source import LMSource, load_tokenizer
from userip_lightning.profile.prompt_bodies import Tokens

#: Items of the game histories, and tokens of a title on average (SmolLM2's tokenizer).
CATALOGUE, MEAN_TOKENS = 16_859, 12.8
_LONGEST, _LETTERS = 32, 4


class Folded:
    """A tokenizer with its ids folded into another vocabulary: real lengths, random words."""

    def __init__(self, tokenizer: Any, vocabulary: int) -> None:
        self.tokenizer, self.vocabulary, self.bos_token_id = tokenizer, vocabulary, 1

    def __call__(self, text: str, *, add_special_tokens: bool) -> dict[str, list[int]]:
        ids = self.tokenizer(text, add_special_tokens=add_special_tokens)["input_ids"]
        return {"input_ids": [number % self.vocabulary for number in ids]}

    def decode(self, ids: list[int]) -> str:
        """Any text: nothing is read from it."""
        return " ".join(map(str, ids))


class _Pieces:
    """In place of a tokenizer that was not carried: a token per four letters."""

    def __call__(self, text: str, *, add_special_tokens: bool) -> dict[str, list[int]]:
        pieces = (text[at : at + _LETTERS] for at in range(0, len(text), _LETTERS))
        return {"input_ids": [zlib.crc32(piece.encode()) for piece in pieces]}


def tokenizer_for(assets: Assets, vocabulary: int) -> Folded:
    """The carried language model's, or one that cuts texts in pieces of four letters."""
    own = _Pieces() if assets.lm is None else load_tokenizer(LMSource(str(assets.lm)))
    return Folded(own, vocabulary)


def catalogue_tokens(assets: Assets, tokenizer: Tokenizer, vocabulary: int, count: int) -> tuple[Tokens, str]:
    """Token ids of ``count`` titles, none empty, and where they are from."""
    if assets.games is None or assets.lm is None:
        rng = np.random.default_rng(0)
        lengths = 1 + np.minimum(rng.poisson(MEAN_TOKENS - 1, count), _LONGEST - 1)
        return Tokens.of([rng.integers(3, vocabulary, size).tolist() for size in lengths]), "invented titles"
    with gzip.open(assets.games / ITEMS, "rt", encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        texts = [f" {(row['title:token_seq'] or '').strip()}" for row in rows]
    ids = [encode_item(tokenizer, text, _LONGEST) for text in texts if text.strip()][:count]
    return Tokens.of(ids), "game titles"
