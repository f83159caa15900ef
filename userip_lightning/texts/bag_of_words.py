"""Texts as bags of words: TF-IDF, then the leading singular vectors. No language model takes part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from threadpoolctl import threadpool_limits

from userip_lightning.arrays import Floats
from userip_lightning.errors import InputError
from userip_lightning.texts.reader import WordReader

_FREQUENT, _MANY = 3, 5000

#: Singular vectors that are kept, unless others are asked for.
WIDTH = 32


def bag_of_words(texts: Sequence[str], width: int = WIDTH) -> Floats:
    """Vectors [I, D] of I texts, as :func:`fitted_words` has them."""
    return fitted_words(texts, width)[0]


def fitted_words(texts: Sequence[str], width: int = WIDTH) -> tuple[Floats, WordReader]:
    """Vectors [I, D] of I texts, D ≤ ``width``, and what gives later texts such vectors.

    An item without known words gets zeros.

    Raises:
        InputError: fewer than two words occur in three texts, or all texts have the same ones.
    """
    words, tfidf = _checked(texts)
    width = min(width, min(tfidf.shape) - 1)
    leading = TruncatedSVD(width, random_state=0)
    with threadpool_limits(limits=1):  # partial sums would be added in the order in which threads finish
        vectors = np.asarray(leading.fit_transform(tfidf), dtype=np.float64)
    vocabulary = {word: int(column) for word, column in words.vocabulary_.items()}
    return vectors, WordReader(vocabulary, words.idf_, leading.components_)


def word_weights(texts: Sequence[str]) -> csr_matrix:
    """TF-IDF [I, W] of all words that occur in three texts; raises as :func:`fitted_words`."""
    return _checked(texts)[1]


def has_words(texts: Sequence[str]) -> bool:
    """Whether :func:`fitted_words` would find words in these texts; many texts are read only if the first few
    thousand have none."""
    return any(_weighed(some) is not None for some in (texts[:_MANY], texts))


def _checked(texts: Sequence[str]) -> tuple[TfidfVectorizer, csr_matrix]:
    found = _weighed(texts)
    if found is None:
        raise InputError(
            "the items' texts: fewer than two words occur in three of them, or all have the same words, too "
            "little for a bag of words; give the items titles, or leave out what reads their text."
        )
    return found


def _weighed(texts: Sequence[str]) -> tuple[TfidfVectorizer, csr_matrix] | None:
    """TF-IDF of words that occur in three texts; None where two such words or texts do not differ."""
    words = TfidfVectorizer(min_df=_FREQUENT, sublinear_tf=True)
    try:
        tfidf = words.fit_transform(texts)
    except ValueError:  # scikit-learn's: an empty vocabulary, or fewer texts than min_df
        return None
    return (words, tfidf) if min(tfidf.shape) > 1 and _differ(tfidf) else None


def _differ(tfidf: csr_matrix) -> bool:
    """Whether not all rows are the same."""
    return bool((tfidf.max(axis=0) != tfidf.min(axis=0)).nnz)
