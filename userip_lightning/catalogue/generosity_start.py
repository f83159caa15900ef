"""Where users of an explicit log start: in quantiles of how generously they rate.

Generosity is the strongest simple signal of such logs, and classes that start there differ from each
other; from random starts several of them become alike under a strong prior, and no user is left in them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from userip_lightning.arrays import Floats
from userip_lightning.catalogue.joint_em import Opening

_PRIOR = 5.0  # a user's share of positives is pulled to the log's as by this many events


def generosity_opening(counts: csr_matrix, classes: int) -> Opening:
    """Quantiles of the users' smoothed share of positives.

    Args:
        counts: [U, 2 I] events of all users; the second half of the columns are positives.
        classes: C.
    """
    items = counts.shape[1] // 2
    rate = float(counts[:, items:].sum() / max(counts.sum(), 1.0))

    def share(part: csr_matrix) -> Floats:
        liked = np.asarray(part[:, items:].sum(axis=1)).ravel()
        total = np.asarray(part.sum(axis=1)).ravel()
        return np.asarray((liked + _PRIOR * rate) / (total + _PRIOR))

    edges = np.quantile(share(counts), np.arange(1, classes) / classes)

    def opening(part: csr_matrix) -> NDArray[np.int64]:
        return np.asarray(np.searchsorted(edges, share(part), side="right"), dtype=np.int64)

    return opening
