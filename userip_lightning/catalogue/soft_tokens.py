"""Codebooks in the language model's space: soft tokens e_{p,k} of every code, and z_c of a combination.

z_c = (e_{1,k_1}, …, e_{P,k_P})        c = (k_1, …, k_P), in the order of ``code_order.split_classes``
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from userip_lightning.arrays import Floats
from userip_lightning.catalogue.distinctive import surprise

_RARE = 3  # a word has to occur this often under the log's events


class SoftTokens(nn.Module):
    """What is learned: [K_p, S, D] per profile.

    Args:
        start: of every profile.
    """

    def __init__(self, start: Sequence[Tensor]) -> None:
        super().__init__()
        self.books = nn.ParameterList([nn.Parameter(book.clone()) for book in start])
        sizes = [len(book) for book in start]
        combinations = torch.tensor(list(product(*map(range, sizes))))
        self.register_buffer("combinations", combinations, persistent=False)
        self.combinations: Tensor  # [M, P]

    def forward(self) -> Tensor:
        """z [M, P, S, D] of all combinations."""
        return torch.stack([book[self.combinations[:, p]] for p, book in enumerate(self.books)], dim=1)


def start_words(
    tokens: Sequence[Sequence[int]],
    weight: Floats,
    sizes: Sequence[int],
    count: int,
    words: NDArray[np.bool_],
) -> list[NDArray[np.int64]]:
    """Token ids where the codes of every profile start: those that a code's items have more often than all.

    Tokens are ranked by how surely they are more frequent under the code (``distinctive.py``).

    Args:
        tokens: token ids of every item.
        weight: [I, M] events of items under combinations.
        sizes: K_p.
        count: S tokens per code.
        words: [V] whether a token can be read as a word.

    Returns:
        [K_p, S] per profile; -1 where there are too few.
    """
    frequency = np.zeros((len(words), weight.shape[1]))
    for own, events in zip(tokens, weight, strict=True):
        for token in set(own):
            frequency[token] += events
    known = words & (frequency.sum(1) >= _RARE)
    by_code = frequency.reshape(len(words), *sizes)
    starts = []
    for p in range(len(sizes)):
        others = tuple(1 + q for q in range(len(sizes)) if q != p)
        starts.append(_distinctive(by_code.sum(axis=others), known, count))
    return starts


def _distinctive(frequency: Floats, known: NDArray[np.bool_], count: int) -> NDArray[np.int64]:
    """[V, K] to the ``count`` most distinctive tokens of every code, [K, count]."""
    total, of_code = frequency.sum(axis=1, keepdims=True), frequency.sum(axis=0)
    z = surprise(frequency, total, of_code, float(total.sum()), frequency.shape[1])
    z[~known] = -np.inf
    best = np.argsort(-z, axis=0, kind="stable")[:count].T
    return np.where(np.take_along_axis(z.T, best, axis=1) > 0, best, -1)
