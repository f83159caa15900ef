"""Parts of words as a text source: what a tokenizer's subwords give a language model, without one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from userip_lightning.arrays import Floats
from userip_lightning.texts.bag_of_words import WIDTH
from userip_lightning.texts.source import Reads, TextSource


@dataclass(frozen=True)
class PartsOfWords(TextSource):
    """TF-IDF of three to five letters within a word, and its leading singular vectors.

    Args:
        width: how many of them.
    """

    width: int = WIDTH

    @property
    def reads(self) -> Reads:
        return "words"

    def vectors(self, texts: Sequence[str]) -> Floats:
        parts = TfidfVectorizer(min_df=3, sublinear_tf=True, analyzer="char_wb", ngram_range=(3, 5))
        found = TruncatedSVD(self.width, random_state=0).fit_transform(parts.fit_transform(texts))
        return np.asarray(found, dtype=np.float64)
