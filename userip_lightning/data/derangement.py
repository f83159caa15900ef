"""A permutation that leaves nobody in place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def cycle(count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """One cycle through all of them in a drawn order, so no fixed point where there are two or more.

    Returns:
        [count], whose place each takes.
    """
    order = rng.permutation(count)
    other = np.empty(count, dtype=np.int64)
    other[order] = np.roll(order, 1)
    return other
