"""What the language model's vocabulary says of an item: the mean embedding of its text, rare words first.

    t_i = Σ_w idf(w) E[w] / Σ_w idf(w)    over the different tokens w of the text of item i

Stage 2's surrogate may read it, so that what users of one code like carries over to items that few have met.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import torch
from numpy.typing import NDArray

from userip_lightning.lm.word_vectors import WordVectors
from userip_lightning.profile.prompt_bodies import Tokens


def item_vectors(texts: Tokens, words: WordVectors) -> NDArray[np.float16]:
    """Text vectors of items.

    Args:
        texts: token ids of the text of each of I items; empty where an item has no text.
        words: of the LM.

    Returns:
        [I, D]; zeros for an item without text. Half precision, as it is read as a feature only.
    """
    items = [ids.tolist() for ids in np.split(texts.ids, texts.offset[1:-1])]
    frequency = Counter(token for ids in items for token in set(ids))
    told = sum(1 for ids in items if ids)
    idf = {token: np.log((1 + told) / count) for token, count in frequency.items()}
    vectors = np.zeros((len(items), words.weight.shape[1]), dtype=np.float16)
    for row, ids in enumerate(items):
        if ids:
            tokens = torch.tensor(sorted(set(ids)), device=words.device)
            weight = torch.tensor([idf[int(token)] for token in tokens], device=words.device)
            mean = (weight.float() @ words.of(tokens)) / weight.sum().float()
            vectors[row] = mean.cpu().numpy()
    return vectors
