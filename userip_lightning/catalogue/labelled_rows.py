"""Training rows with their labels, as the recommendation loss reads them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

Ints = NDArray[np.int64]


class LabelledRows(NamedTuple):
    """N rows, sorted by user.

    Args:
        row_id: [N].
        user: [N].
        item: [N].
        label: [N], 0 or 1.
        event: [N], the column of user events that the row is; -1 where it is none (a sampled negative).
    """

    row_id: Ints
    user: Ints
    item: Ints
    label: Ints
    event: Ints

    def places(self, counts: csr_matrix) -> Ints:
        """Where the rows' events stand among the stored entries of ``counts`` [U, E], sorted; -1 for none."""
        width = counts.shape[1]
        user = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
        place = np.searchsorted(user * width + counts.indices, self.user * width + self.event)
        return np.where(self.event >= 0, place, -1)

    def of(self, users: Ints) -> tuple[Ints, Ints]:
        """The rows of users [B], n in all: [n] the place of a row's user in ``users``, and [n] the rows."""
        first, end = (np.searchsorted(self.user, users, side) for side in ("left", "right"))
        length = end - first
        owner = np.repeat(np.arange(users.size), length)
        return owner, np.arange(owner.size) + np.repeat(first - np.cumsum(length) + length, length)
