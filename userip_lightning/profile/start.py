"""Where z starts: at random, or at words that set the user apart.

EM moves little in the steps one can afford, so the start decides (design, section 3): a random start was
not personal after 30 steps, while the embeddings of a user's most distinctive words are before the first.
It also keeps z near words one can read (Table 5).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from torch import Tensor

from userip_lightning.profile.prompt import Tokenizer, encode


def distinctive_words(texts: Sequence[str], count: int) -> list[list[str]]:
    """The words of every user's text with the highest TF-IDF over users, most distinctive first.

    Args:
        texts: [U] training text of every user.
        count: at most this many words each; fewer where the text has fewer.
    """
    if not any(text.strip() for text in texts):
        return [[] for _ in texts]
    vectorizer = TfidfVectorizer(token_pattern=r"(?u)\b\w[\w'-]+\b", sublinear_tf=True, dtype=np.float32)
    weights = vectorizer.fit_transform(texts).tocsr()
    words = vectorizer.get_feature_names_out()
    chosen: list[list[str]] = []
    for user in range(weights.shape[0]):
        row = slice(weights.indptr[user], weights.indptr[user + 1])
        order = np.lexsort((weights.indices[row], -weights.data[row]))[:count]
        chosen.append([str(words[i]) for i in weights.indices[row][order]])
    return chosen
