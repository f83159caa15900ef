"""Weighted draws without replacement where items are many and their weights few."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def draw_distinct(
    share: NDArray[np.float64],
    members: NDArray[np.int64],
    size: NDArray[np.int64],
    count: int,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """``count`` different items per user, one after another in proportion to their weights.

    Drawing with replacement and passing over what was drawn already comes to the same.

    Args:
        share: [U, G] probability of every group of items, rows sum to 1. Within a group all are alike.
        members: [I] items in order of their group.
        size: [G] items per group.
        count: at most I.
        rng: draws.

    Returns:
        [U, count].
    """
    users, first = share.shape[0], np.cumsum(size) - size
    upto, draws = np.cumsum(share, axis=1), count + count // 2 + 8
    while True:
        # Rounding may leave the last sum below a draw.
        group = np.minimum((rng.random((users, draws))[:, :, None] > upto[:, None, :]).sum(2), size.size - 1)
        place = first[group] + (rng.random(group.shape) * size[group]).astype(np.int64)
        item = members[np.minimum(place, members.size - 1)]
        order = np.argsort(item, axis=1, kind="stable")
        ordered = np.take_along_axis(item, order, 1)
        again = np.zeros(item.shape, dtype=bool)
        np.put_along_axis(again[:, :], order[:, 1:], ordered[:, 1:] == ordered[:, :-1], 1)
        if (draws - again.sum(1)).min() >= count:
            fresh = np.argsort(again, axis=1, kind="stable")[:, :count]
            return np.take_along_axis(item, fresh, 1)
        draws *= 2
