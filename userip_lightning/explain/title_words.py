"""Words of items' texts that the users of a code like more often than others do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from userip_lightning.explain.lifted_items import lifted
from userip_lightning.explain.source import Floats, Ints

_WORD = re.compile(r"(?u)\b\w[\w'’-]+\b")
_SHORTEST = 3  # letters
_RARE = 3  # events
_SEVERAL = 2.0  # texts


class TitleWords(NamedTuple):
    """Words of texts.

    Args:
        spelt: [V].
        inside: [V, I], 1 where a word is in an item's text.
    """

    spelt: list[str]
    inside: csr_matrix


def title_words(texts: Sequence[str], items: Ints) -> TitleWords:
    """Words of these items' texts, without English stop words and words of one or two characters.

    Args:
        texts: [I].
        items: whose words are read.
    """
    vocabulary, columns, rows = dict[str, int](), list[int](), list[int]()
    for item in items.tolist():
        for word in sorted(set(_WORD.findall(texts[item].lower()))):
            if len(word) >= _SHORTEST and word not in ENGLISH_STOP_WORDS:
                columns.append(item)
                rows.append(vocabulary.setdefault(word, len(vocabulary)))
    shape = (len(vocabulary), len(texts))
    return TitleWords(list(vocabulary), csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape))


def distinctive_words(words: TitleWords, counts: csr_matrix, most: int) -> list[list[str]]:
    """The most distinctive words of every code, those of hardly more than one text last.

    A word occurs in an event if it is in the item's text, once however often it is there. Left out are words
    of fewer than three events.

    Args:
        words: of the items.
        counts: [I, K] liked events of items under codes.
        most: words per code.
    """
    under = (words.inside @ counts).tocsr()
    common = np.flatnonzero(np.asarray(under.sum(axis=1)).ravel() >= _RARE)
    several = _titles(words.inside, counts)[common] >= _SEVERAL
    return [
        [words.spelt[common[word]] for word in own.things] for own in lifted(under[common], most, several)
    ]


def _titles(inside: csr_matrix, counts: csr_matrix) -> Floats:
    """[V], how many texts a word is from, by events: (Σ n_i)² / Σ n_i², the inverse of Simpson's index."""
    events = np.asarray(counts.sum(axis=1)).ravel()
    return np.asarray((inside @ events) ** 2 / np.maximum(inside @ events**2, 1e-300))
