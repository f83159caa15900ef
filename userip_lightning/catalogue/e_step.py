"""E step of EM over the catalogue: r_uc ∝ exp(t · score_uc), exact over all classes."""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

from userip_lightning.arrays import Floats


def posterior(scores: Floats, temperature: float = 1.0) -> Floats:
    """How far a user belongs to every class.

    Args:
        scores: [U, C] log-odds, up to a constant per user (``joint_table.py``).
        temperature: t; below 1 it keeps classes open.

    Returns:
        r [U, C]; rows add up to 1.
    """
    tempered = temperature * scores
    return np.asarray(np.exp(tempered - logsumexp(tempered, axis=1, keepdims=True)))
