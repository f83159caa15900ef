"""How sure codes are, by the posterior of the table that made them.

p(k | u) = Σ_{c: c_p = k} r_uc        entropy = −Σ_k p(k | u) log p(k | u) / log K_p
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import entr

from userip_lightning.explain.scores import blocks, evenly, normalised, scores
from userip_lightning.explain.source import Floats, Ints
from userip_lightning.serving import Profiler


class Certainty(NamedTuple):
    """Of n users.

    Args:
        users: [n].
        probability: [n, P] of their codes.
        entropy: [n, P], from 0 to 1.
    """

    users: Ints
    probability: Floats
    entropy: Floats


def certainty(profiler: Profiler, counts: csr_matrix, codes: Ints) -> Certainty:
    """Of all users, or of as many as time allows.

    Args:
        profiler: the table.
        counts: [U, E] events that codes were made from.
        codes: [U, P].
    """
    users = evenly(profiler, np.arange(len(codes)))
    seen, own = counts[users], codes[users]
    probability, entropy = (np.empty(own.shape) for _ in range(2))
    for some in blocks(profiler, seen):
        posterior = np.exp(normalised(scores(profiler, seen[some])))
        for p, size in enumerate(profiler.sizes):
            others = tuple(1 + q for q in range(len(profiler.sizes)) if q != p)
            of_code = posterior.sum(axis=others)
            probability[some, p] = np.take_along_axis(of_code, own[some, p, None], axis=1)[:, 0]
            entropy[some, p] = entr(of_code).sum(axis=1) / max(np.log(size), 1e-300)
    return Certainty(users, np.minimum(probability, 1.0), entropy)
