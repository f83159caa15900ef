"""A few steps of Adam on a small convex problem, warm-started (Kingma and Ba 2015, Algorithm 1).

The regressions of ``text_prior.py`` and ``label_prior.py`` move a little in every M step; numpy is enough,
and codes need no torch.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from userip_lightning.arrays import Floats

_STEPS, _RATE, _MEAN, _SQUARE = 12, 0.05, 0.9, 0.999


def descend(weight: Floats, gradient: Callable[[Floats], Floats]) -> Floats:
    """``weight`` after twelve steps against ``gradient``."""
    mean, square = np.zeros_like(weight), np.zeros_like(weight)
    for step in range(1, _STEPS + 1):
        slope = gradient(weight)
        mean = _MEAN * mean + (1 - _MEAN) * slope
        square = _SQUARE * square + (1 - _SQUARE) * slope**2
        rate = _RATE * np.sqrt(1 - _SQUARE**step) / (1 - _MEAN**step)
        weight = weight - rate * mean / (np.sqrt(square) + 1e-8)
    return weight


def standardised(vectors: Floats) -> Floats:
    """[I, D] → [I, D + 1]: every column of mean 0 and deviation 1, and a column of ones."""
    mean, spread = _moments(vectors)
    return np.concatenate([(vectors - mean) / spread, np.ones((len(vectors), 1))], axis=1)


def of_vectors(weight: Floats, vectors: Floats) -> Floats:
    """Weights [D + 1, C] of :func:`standardised` vectors → those of the vectors [I, D] themselves."""
    mean, spread = _moments(vectors)
    own = weight[:-1] / spread[:, None]
    return np.concatenate([own, weight[-1:] - mean @ own])


def _moments(vectors: Floats) -> tuple[Floats, Floats]:
    spread = vectors.std(axis=0)
    return vectors.mean(axis=0), np.where(spread > 1e-12, spread, 1.0)
