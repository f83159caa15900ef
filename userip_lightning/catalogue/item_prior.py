"""π(c|i): which classes an item speaks for before anybody has met it.

``ClassShares`` knows nothing of items. ``TextPrior`` reads vectors of their texts,

    π(c|i) = softmax(W x_i + b)_c

fitted to n_ic / n_i by cross-entropy, where an item counts as min(n_i, 30) events, with an L2 of 1e-4 on W. A
few steps of Adam per M step are enough, as W is kept between them.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from scipy.special import softmax

from userip_lightning.catalogue.code_table import Floats

_POPULAR, _L2 = 30.0, 1e-4
_STEPS, _RATE, _MEAN, _SQUARE = 12, 0.05, 0.9, 0.999


class ItemPrior(Protocol):
    """Called once per M step."""

    def __call__(self, expected: Floats, share: Floats) -> Floats:
        """Expected counts [I, C] and class shares [C] → π(c|i), [I, C] or [1, C]."""


class ClassShares:
    """The same for all items: without text, a count mixture."""

    def __call__(self, expected: Floats, share: Floats) -> Floats:
        """See :class:`ItemPrior`."""
        return share[None]


class TextPrior:
    """Softmax regression on the items' text vectors.

    Args:
        vectors: [I, D], of any scale; standardised here.
    """

    def __init__(self, vectors: Floats) -> None:
        spread = vectors.std(axis=0)
        x = (vectors - vectors.mean(axis=0)) / np.where(spread > 1e-12, spread, 1.0)
        self._x = np.concatenate([x, np.ones((len(x), 1))], axis=1)
        self._weight: Floats | None = None

    def __call__(self, expected: Floats, share: Floats) -> Floats:
        """See :class:`ItemPrior`."""
        if self._weight is None:
            self._weight = np.zeros((self._x.shape[1], expected.shape[1]))
        total = expected.sum(axis=1, keepdims=True)
        target = (expected + 1e-6) / (total + 1e-6 * expected.shape[1])
        weight = np.minimum(total, _POPULAR)
        weight = weight / max(float(weight.sum()), 1.0)
        mean, square = np.zeros_like(self._weight), np.zeros_like(self._weight)
        for step in range(1, _STEPS + 1):
            gradient = self._x.T @ (weight * (softmax(self._x @ self._weight, axis=1) - target))
            gradient[:-1] += 2 * _L2 * self._weight[:-1]
            mean = _MEAN * mean + (1 - _MEAN) * gradient
            square = _SQUARE * square + (1 - _SQUARE) * gradient**2
            step_size = _RATE * np.sqrt(1 - _SQUARE**step) / (1 - _MEAN**step)
            self._weight = self._weight - step_size * mean / (np.sqrt(square) + 1e-8)
        return np.asarray(softmax(self._x @ self._weight, axis=1))
