"""Where z starts: at random, or at words that set the user apart (:mod:`userip_lightning.profile.words`).

EM moves little in the steps one can afford, so the start decides (docs/ledger.md): a random start was
not personal after 30 steps, while the embeddings of a user's most distinctive words are before the first.
It also keeps z near words one can read (Table 5).
"""

from __future__ import annotations

import torch
from torch import Tensor

from userip_lightning.lm.word_vectors import WordVectors
from userip_lightning.seeds import place_seed


def embed_start(ids: Tensor, words: WordVectors) -> Tensor:
    """Embeddings of the start tokens.

    Args:
        ids: [B, P, S]; -1 where there is none.
        words: of the LM.

    Returns:
        [B, P, S, D] float32 on the device of ``words``; where there is no token, the mean of the vocabulary.
    """
    found = words.of(ids.clamp(min=0))
    unknown = (ids < 0).unsqueeze(-1)
    return torch.where(unknown.to(found.device), words.mean(), found) if unknown.any() else found


def random_start(users: Tensor, shape: tuple[int, int, int], words: WordVectors, seed: int) -> Tensor:
    """Gaussian z with the spread of the vocabulary embeddings (the paper's start), whatever the batch.

    Args:
        users: [B] rows in the population.
        shape: (P, S, D).
        words: of the LM.
        seed: of the draw.

    Returns:
        [B, P, S, D] float32.
    """
    rows = []
    for user in users.tolist():
        generator = torch.Generator().manual_seed(place_seed(seed, user))
        rows.append(torch.randn(shape, generator=generator, dtype=torch.float32))
    return torch.stack(rows).to(words.device) * words.std()
