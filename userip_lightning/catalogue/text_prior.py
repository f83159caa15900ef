"""π(c|i): which classes an item speaks for before anybody has met it.

``ClassShares`` knows nothing of items. ``TextPrior`` reads vectors of their texts,

    π(c|i) = softmax(W x_i + b)_c

fitted to n_ic / n_i by cross-entropy, where an item counts as min(n_i, 30) events, with an L2 of 1e-4 on W. A
few steps of Adam per M step are enough, as W is kept between them.
"""

from __future__ import annotations

import numpy as np
from scipy.special import softmax

from userip_lightning.arrays import Floats
from userip_lightning.catalogue.adam import descend, standardised

#: Events above which an item counts no more in a fit.
POPULAR = 30.0
_L2 = 1e-4


class ClassShares:
    """The same for all items: without text, a count mixture. Called once per M step, like the next."""

    def __init__(self) -> None:
        self.weight: Floats = np.zeros((0, 0))

    def __call__(self, expected: Floats, share: Floats) -> Floats:
        """Shares of events [C] → π(c|i), [1, C]."""
        return share[None]


class TextPrior:
    """Softmax regression on the items' text vectors.

    Args:
        vectors: [I, D], of any scale.
        classes: C.
    """

    def __init__(self, vectors: Floats, classes: int) -> None:
        self._x = standardised(vectors)
        self.weight: Floats = np.zeros((self._x.shape[1], classes))

    def __call__(self, expected: Floats, share: Floats) -> Floats:
        """Expected counts [I, C] and shares of events [C] → π(c|i), [I, C]; learns ``weight`` alone."""
        total = expected.sum(axis=1, keepdims=True)
        met = total[:, 0] > 0  # the others, half of all where items are cold, have no weight in the fit
        x = self._x if met.all() else self._x[met]
        expected, total = expected[met], total[met]
        target = (expected + 1e-6) / (total + 1e-6 * expected.shape[1])
        counted = np.minimum(total, POPULAR)
        counted = counted / max(float(counted.sum()), 1.0)

        def gradient(weight: Floats) -> Floats:
            slope = x.T @ (counted * (softmax(x @ weight, axis=1) - target))
            slope[:-1] += 2 * _L2 * weight[:-1]
            return np.asarray(slope)

        self.weight = descend(self.weight, gradient)
        return np.asarray(softmax(self._x @ self.weight, axis=1))


ItemPrior = ClassShares | TextPrior


def item_prior(vectors: Floats | None, classes: int) -> ItemPrior:
    """π of items with text vectors [I, D]; None leaves text out."""
    return ClassShares() if vectors is None else TextPrior(vectors, classes)
