"""What is in the data: the figures of the paper's Table 1, and what preparation did to get there."""

from __future__ import annotations

import json
from typing import Any

import polars as pl

from userip_lightning.data.prepared import PreparedData

STATS = "stats.json"


def count(events: pl.DataFrame) -> dict[str, int]:
    """Interactions, users and items that occur in ``events``."""
    return {
        "interactions": events.height,
        "users": events["user_id"].n_unique(),
        "items": events["item_id"].n_unique(),
    }


def describe(events: pl.DataFrame, items: pl.DataFrame) -> dict[str, Any]:
    """Statistics of prepared events.

    Args:
        events: as in :class:`userip_lightning.data.prepared.PreparedData`.
        items: likewise.

    Returns:
        Table 1 of the paper over logged events (``interactions``, ``users``, ``items``,
        ``sparsity_percent``), ``missing_titles``, and per split ``rows`` with sampled negatives,
        ``users`` and ``positive_percent``.
    """
    table = count(events.filter("logged"))
    full = table["users"] * table["items"]
    splits = events.group_by("split").agg(
        rows=pl.len(), users=pl.col("user").n_unique(), positive_percent=100 * pl.col("label").mean()
    )
    return {
        **table,
        "sparsity_percent": 100 * (1 - table["interactions"] / full),
        "positive_percent": 100 * float(events["label"].cast(pl.Float64).mean()),  # type: ignore[arg-type]  # polars types it as any literal
        "missing_titles": items["title"].null_count(),
        "splits": {row.pop("split"): row for row in splits.sort("split").to_dicts()},
    }


def table1(prepared: PreparedData) -> pl.DataFrame:
    """One row per dataset as in the paper's Table 1, with how it came about.

    Returns:
        Columns ``step`` (``read`` … the last filter), ``interactions``, ``users``, ``items``,
        ``sparsity_percent``; the last row is what the stages use.
    """
    stats = json.loads((prepared.path / STATS).read_text(encoding="utf-8"))
    steps = pl.DataFrame(stats["steps"])
    filled = 100 * pl.col("interactions") / (pl.col("users") * pl.col("items"))
    return steps.with_columns(sparsity_percent=100 - filled)
