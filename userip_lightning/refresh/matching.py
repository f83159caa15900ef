"""Which new code means what an old one meant.

Codes are compared by whom they have: the assignment of new codes to old ones that keeps the most users where
they were (Kuhn 1955, the Hungarian method).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment


def matched(before: NDArray[np.int64], after: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """For every old code, the new code that takes its place.

    Args:
        before: [U], 0 to ``size`` - 1.
        after: [U], of the same users.
        size: K.

    Returns:
        [K], a permutation: new code ``found[k]`` is to be called k.
    """
    shared = np.zeros((size, size), dtype=np.int64)
    np.add.at(shared, (before, after), 1)
    # codes that nobody has are exchangeable: by one more user for staying, they keep their names
    return np.asarray(linear_sum_assignment(2 * shared + np.eye(size, dtype=np.int64), maximize=True)[1])
