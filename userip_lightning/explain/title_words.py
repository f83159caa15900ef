"""Words of items' texts that the users of a code like more often than others do."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from userip_lightning.explain.lifted_items import lifted
from userip_lightning.explain.source import Floats

_WORD = re.compile(r"(?u)\b\w[\w'’-]+\b")
_SHORTEST = 3  # letters
_RARE = 3  # events
_SEVERAL = 2.0  # texts


def distinctive_words(texts: Sequence[str], counts: csr_matrix, most: int) -> list[list[str]]:
    """The most distinctive words of every code, those of hardly more than one text last.

    A word occurs in an event if it is in the item's text, once however often it is there. Left out are
    English stop words, words of one or two characters and those of fewer than three events.

    Args:
        texts: of the items.
        counts: [I, K] liked events of items under codes.
        most: words per code.
    """
    vocabulary, items, words = dict[str, int](), list[int](), list[int]()
    for item in np.flatnonzero(np.diff(counts.indptr)).tolist():
        for word in sorted(set(_WORD.findall(texts[item].lower()))):
            if len(word) >= _SHORTEST and word not in ENGLISH_STOP_WORDS:
                items.append(item)
                words.append(vocabulary.setdefault(word, len(vocabulary)))
    spelt = list(vocabulary)
    inside = csr_matrix((np.ones(len(items)), (words, items)), shape=(len(spelt), counts.shape[0]))
    under = (inside @ counts).tocsr()
    common = np.flatnonzero(np.asarray(under.sum(axis=1)).ravel() >= _RARE)
    several = _titles(inside, counts)[common] >= _SEVERAL
    return [[spelt[common[word]] for word in code.things] for code in lifted(under[common], most, several)]


def _titles(inside: csr_matrix, counts: csr_matrix) -> Floats:
    """[V], how many texts a word is from, by events: (Σ n_i)² / Σ n_i², the inverse of Simpson's index."""
    events = np.asarray(counts.sum(axis=1)).ravel()
    return np.asarray((inside @ events) ** 2 / np.maximum(inside @ events**2, 1e-300))
