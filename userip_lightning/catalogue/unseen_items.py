"""Rows of items that nobody had: the M step's prior alone, read off their texts. numpy is enough.

With z = W x + b of an item's vector x, and no event of the item, the M steps leave

    items               l_c = log softmax(z)_c − log Σ_j p(j) p(c|j)           ``event_model.py``
    labelled items      l_c = log σ(z_c + b_c) of a like, log σ(−z_c − b_c) of a dislike

b_c being the class's log-odds of a like.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Added to probabilities whose logarithm is taken.
LEAST = 1e-9


class UnseenItems(NamedTuple):
    """What the last M step says of an item without events.

    Args:
        weight: [D + 1, C], W and, as the last row, b.
        alone: [C], what is said of a class whatever the item: the logarithm of a sum over items, or b_c.
    """

    weight: Floats
    alone: Floats

    def items(self, vectors: Floats) -> Floats:
        """Rows of implicit logs: [N, D] → [N, C] nats."""
        z = self._z(vectors)
        odds = np.exp(z - z.max(axis=1, keepdims=True))
        return np.asarray(np.log(odds / odds.sum(axis=1, keepdims=True) + LEAST) - self.alone)

    def labelled(self, vectors: Floats) -> tuple[Floats, Floats]:
        """Rows of explicit logs: [N, D] → [N, C] nats of a dislike, and of a like."""
        z = self._z(vectors) + self.alone
        return -np.logaddexp(0.0, z), -np.logaddexp(0.0, -z)

    def _z(self, vectors: Floats) -> Floats:
        return np.asarray(vectors @ self.weight[:-1] + self.weight[-1])
