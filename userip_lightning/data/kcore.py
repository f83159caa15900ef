"""The k-core filter: drop users and items with fewer than k interactions.

The paper (evaluation metrics) leaves out users and items "with less than four interactions" and does not
say whether it repeats the step: dropping an item can push a user below k. ``fixed_point`` repeats it until
nothing changes; ``single_pass`` counts once and drops both sides at once.
"""

from __future__ import annotations

from typing import Literal

import polars as pl

KCoreMode = Literal["fixed_point", "single_pass"]


def k_core(events: pl.DataFrame, k: int, mode: KCoreMode) -> pl.DataFrame:
    """Events whose user and item have at least ``k`` events; order is kept.

    Args:
        events: with ``user_id`` and ``item_id``.
        k: smallest number of events; 1 or less keeps everything.
        mode: see the module's text.
    """
    while True:
        enough = (pl.len().over("user_id") >= k) & (pl.len().over("item_id") >= k)
        kept = events.filter(enough)
        if mode == "single_pass" or kept.height == events.height:
            return kept
        events = kept
