"""The k-core filter: drop users and items with fewer than k interactions.

The paper (evaluation metrics) leaves out users and items "with less than four interactions" and does not
say whether it repeats the step: dropping an item can push a user below k. ``fixed_point`` repeats it until
nothing changes; ``single_pass`` counts once and drops both sides at once.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

KCoreMode = Literal["fixed_point", "single_pass"]


def k_core(user: NDArray[np.int32], item: NDArray[np.int32], k: int, mode: KCoreMode) -> NDArray[np.int64]:
    """Places of the events whose user and item have at least ``k`` events, in their order.

    Args:
        user: [N], a code from 0 per event.
        item: [N], likewise.
        k: smallest number of events; 1 or less keeps everything.
        mode: see the module's text.
    """
    kept = np.arange(user.size)
    while True:
        users, items = user[kept], item[kept]
        left = kept[(np.bincount(users)[users] >= k) & (np.bincount(items)[items] >= k)]
        if mode == "single_pass" or left.size == kept.size:
            return left
        kept = left
