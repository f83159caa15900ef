"""Whether two profiles say the same: users by both codes, and their mutual information."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from scipy.special import entr

from userip_lightning.explain.explanation import Overlap
from userip_lightning.explain.source import Floats, Ints


def overlaps(codes: Ints, names: Sequence[str], sizes: Sequence[int]) -> list[Overlap]:
    """Of every pair of profiles.

    Args:
        codes: [U, P].
        names: [P].
        sizes: [P].
    """
    found = []
    for one, two in combinations(range(len(sizes)), 2):
        cell = codes[:, one] * sizes[two] + codes[:, two]
        counts = np.bincount(cell, minlength=sizes[one] * sizes[two]).reshape(sizes[one], sizes[two])
        share = counts / max(len(codes), 1)
        nats = entropy(share.sum(axis=1)) + entropy(share.sum(axis=0)) - entropy(share.ravel())
        found.append(Overlap([names[one], names[two]], counts.tolist(), max(nats, 0.0)))
    return found


def entropy(shares: Floats) -> float:
    """Of shares that add up to 1, nats."""
    return float(entr(shares).sum())
