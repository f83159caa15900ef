"""ρ_ic: how likely a class is to like an item, before it has met it often (explicit logs).

    ρ_ic = σ(a_i + b_c + w_c · x_i)

with the log-odds a_i of the item, less the log's, and b_c of the class as offsets, and x_i the item's text
vector where there is one. w is fitted to k_ic / n_ic by logistic regression, an item and class counting as
min(n_ic, 30) events, with an L2.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from userip_lightning.arrays import Floats
from userip_lightning.catalogue.adam import descend, standardised
from userip_lightning.catalogue.text_prior import POPULAR

_L2 = 1e-2  # validation of MovieLens-100K, as the strength of event_model.py


class LikePrior:
    """Logistic regression on the items' text vectors, beside two offsets.

    Args:
        vectors: [I, D], of any scale; None leaves the offsets alone.
        classes: C.
    """

    def __init__(self, vectors: Floats | None, classes: int) -> None:
        self._x = None if vectors is None else standardised(vectors)[:, :-1]
        self.weight: Floats = np.zeros((0 if self._x is None else self._x.shape[1], classes))

    def __call__(self, liked: Floats, total: Floats, offset: Floats) -> Floats:
        """Expected positives and events [I, C], a_i + b_c [I, C] → ρ [I, C]."""
        if self._x is None:
            return np.asarray(expit(offset))
        x = self._x
        target = liked / np.maximum(total, 1e-9)
        counted = np.minimum(total, POPULAR)
        counted = counted / max(float(counted.sum()), 1.0)

        def gradient(weight: Floats) -> Floats:
            return np.asarray(x.T @ (counted * (expit(offset + x @ weight) - target)) + 2 * _L2 * weight)

        self.weight = descend(self.weight, gradient)
        return np.asarray(expit(offset + x @ self.weight))
