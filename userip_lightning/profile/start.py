"""Where z starts: at random, or at words that set the user apart (:mod:`userip_lightning.profile.words`).

EM moves little in the steps one can afford, so the start decides (design, section 3): a random start was
not personal after 30 steps, while the embeddings of a user's most distinctive words are before the first.
It also keeps z near words one can read (Table 5).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def embed_start(ids: Tensor, embedding: Tensor) -> Tensor:
    """Embeddings of the start tokens.

    Args:
        ids: [B, P, S]; -1 where there is none.
        embedding: [V, D].

    Returns:
        [B, P, S, D] float32; where there is no token, the mean of the vocabulary.
    """
    known = (ids >= 0).unsqueeze(-1)
    return torch.where(known, embedding[ids.clamp(min=0)].float(), embedding.float().mean(0))


def random_start(users: Tensor, shape: tuple[int, int, int], embedding: Tensor, seed: int) -> Tensor:
    """Gaussian z with the spread of the vocabulary embeddings (the paper's start), whatever the batch.

    Args:
        users: [B] rows in the population.
        shape: (P, S, D).
        embedding: [V, D].
        seed: of the draw.

    Returns:
        [B, P, S, D] float32.
    """
    rows = []
    for user in users.tolist():
        # torch's CPU generator reads 32 bits of its seed, so the pair is hashed into them
        draw = int(np.random.SeedSequence(seed, spawn_key=(user,)).generate_state(1)[0])
        generator = torch.Generator().manual_seed(draw)
        rows.append(torch.randn(shape, generator=generator, dtype=torch.float32))
    return torch.stack(rows).to(embedding.device) * embedding.float().std()
