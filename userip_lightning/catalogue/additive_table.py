"""More codes than classes: a codebook for each profile, whose codewords add up to a place among classes.

A mixture stops helping at a dozen classes, but how much a user belongs to each of them says far more than
which one they belong to (docs/codes.md, "Bits"). So EM finds a few classes, and a user is the direction in
which their log-odds point:

    s_u = Σ_e n_ue l_e + log π        code(u) = argmax_{k_1 .. k_P} cos(s_u − mean_c s_uc, Σ_p w_p[k_p])

Codewords w_p [K_p, C] are residual quantisation of unit vectors: k-means of the vectors, then of what the
codewords so far leave of them (Chen, Guan and Wang 2010). A code is searched among all sums, not profile by
profile. As sums of codewords are scaled to length 1, the length of s_u does not matter, and a score
is linear in events, like that of a class.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.cluster import KMeans
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits

from userip_lightning.arrays import Floats
from userip_lightning.catalogue.joint_table import CodeTable

_CELLS = 2**22  # of users × combinations at once
_USERS = 100_000  # that k-means looks at, evenly spaced among all
_FINEST = 2.0**-12  # of directions: products with states of up to 2^20 nats are exact (``exact_sums.py``)


class AdditiveTable(NamedTuple):
    """E kinds of events, C classes, M = Π K_p combinations of codes.

    Args:
        evidence: [E, C], l in nats.
        log_share: [C], log π.
        directions: [M, C], sums of codewords of length 1, in the order of combinations; each adds up to 0, so
            that what an event says of all classes alike counts for nothing.
    """

    evidence: Floats
    log_share: Floats
    directions: Floats

    def states(self, counts: csr_matrix) -> Floats:
        """Events of users [U, E] → all that their codes depend on, [U, C]."""
        return CodeTable(self.evidence, self.log_share).scores(counts)

    def codes(self, counts: csr_matrix) -> NDArray[np.int64]:
        """Events of users [U, E] → [U] combinations; one without events gets that of the classes' shares."""
        return nearest(self.states(counts), self.directions)


def additive_table(table: CodeTable, counts: csr_matrix, sizes: Sequence[int], seed: int) -> AdditiveTable:
    """Learn the codebooks of a table's classes.

    Args:
        table: of C classes, rounded as it is exported.
        counts: [U, E], the events that the table was learned from.
        sizes: K_p.
        seed: of k-means.
    """
    met = np.flatnonzero(np.diff(counts.indptr) > 0)
    chosen = met[np.linspace(0, len(met) - 1, min(len(met), _USERS)).astype(np.int64)]
    scores = table.scores(counts[chosen])
    codebooks = residual_codebooks(scores - scores.mean(axis=1, keepdims=True), sizes, seed)
    return AdditiveTable(*table, _centred(directions(codebooks)))


def residual_codebooks(vectors: Floats, sizes: Sequence[int], seed: int) -> list[Floats]:
    """Codewords [K_p, D] of vectors [U, D], which are scaled to length 1 first.

    Where fewer vectors differ than a codebook has codes, the rest of its codewords repeat the first one.
    """
    left, codebooks = np.asarray(normalize(vectors)), []
    for size in sizes:
        distinct = min(size, len(np.unique(left, axis=0)))
        with threadpool_limits(limits=1):  # partial sums would be added in the order in which threads finish
            found = KMeans(distinct, n_init=1, max_iter=50, random_state=seed).fit(left)
        words = np.asarray(found.cluster_centers_, dtype=np.float64)
        codebooks.append(np.concatenate([words, np.repeat(words[:1], size - distinct, axis=0)]))
        left = left - words[found.labels_]
    return codebooks


def directions(codebooks: Sequence[Floats]) -> Floats:
    """Codewords [K_p, D] of P profiles → their sums [Π K_p, D], of length 1 and rounded to 2^-12."""
    sums = np.zeros((1, codebooks[0].shape[1]))
    for words in codebooks:
        sums = (sums[:, None] + words).reshape(-1, words.shape[1])
    return np.asarray(np.round(normalize(sums) / _FINEST) * _FINEST)


def _centred(rows: Floats) -> Floats:
    """Rows that add up to 0 but for rounding: a step less, or more, in as many classes as that takes."""
    steps = np.round(rows.sum(axis=1, keepdims=True) / _FINEST)
    return np.asarray(rows - np.sign(steps) * (np.arange(rows.shape[1]) < np.abs(steps)) * _FINEST)


def nearest(vectors: Floats, towards: Floats) -> NDArray[np.int64]:
    """Of vectors [U, D] the direction [M, D] with the largest cosine, [U]; the first one of equals."""
    step = max(1, _CELLS // len(towards))
    parts = [vectors[first : first + step] for first in range(0, len(vectors), step)]
    found = [(part @ towards.T).argmax(axis=1) for part in parts]
    return np.concatenate([np.empty(0, dtype=np.int64), *found]).astype(np.int64)
