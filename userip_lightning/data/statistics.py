"""What is in the data: the figures of the paper's Table 1, and what preparation did to get there."""

from __future__ import annotations

import json
from typing import TypedDict

import polars as pl

from userip_lightning.data.prepared import PreparedData
from userip_lightning.data.tools.paper_table1 import PAPER_TABLE1, DatasetFigures

STATS = "stats.json"


class Alike(TypedDict):
    """Ids that are probably one and the same: how many groups of them, and at most three pairs."""

    count: int
    examples: list[list[str]]


def alike(ids: pl.Series) -> Alike:
    """Ids that differ from another one only in case, width or blanks, which are probably one and the same."""
    frame = pl.DataFrame({"id": ids}).with_columns(
        same=pl.col("id").str.normalize("NFKC").str.to_lowercase().str.strip_chars()
    )
    groups = frame.filter(pl.col("same").is_duplicated()).sort("same", "id")
    pairs = groups.group_by("same", maintain_order=True).agg(pl.col("id").head(2))["id"].head(3)
    return {"count": groups.height, "examples": pairs.to_list()}


def describe(events: pl.DataFrame, items: pl.DataFrame) -> dict[str, object]:
    """Statistics of prepared events.

    Args:
        events: as in :class:`userip_lightning.data.prepared.PreparedData`; the text is not needed.
        items: likewise.

    Returns:
        Table 1 of the paper over logged events (``interactions``, ``users``, ``items``,
        ``sparsity_percent``), ``missing_titles``, the first and last of ``timestamps``, least, median and
        most ``events_per_user`` and ``events_per_item``, and per split ``rows`` with sampled negatives,
        ``users`` and ``positive_percent``. ``unmatched_percent``: per split with sampled negatives, the share
        of positives without one of the same item.
    """
    logged = events.filter("logged")
    table = {"interactions": logged.height, "users": logged["user"].n_unique(), "items": items.height}
    full = table["users"] * table["items"]
    splits = events.group_by("split").agg(
        rows=pl.len(), users=pl.col("user").n_unique(), positive_percent=100 * pl.col("label").mean()
    )
    return {
        **table,
        "sparsity_percent": 100 * (1 - table["interactions"] / full),
        "positive_percent": 100 * float(events["label"].cast(pl.Float64).mean()),  # type: ignore[arg-type]  # polars types it as any literal
        "missing_titles": items["title"].null_count(),
        "timestamps": [logged["timestamp"].min(), logged["timestamp"].max()],
        "events_per_user": _spread(logged["user"]),
        "events_per_item": _spread(logged["item"]),
        "splits": {row.pop("split"): row for row in splits.sort("split").to_dicts()},
        "unmatched_percent": _unmatched(events),
    }


def _unmatched(events: pl.DataFrame) -> dict[str, float]:
    per_item = events.group_by("split", "item").agg(
        positives=pl.col("logged").sum(), negatives=pl.col("logged").not_().sum()
    )
    matched = pl.min_horizontal("positives", pl.col("negatives") * pl.col("share"))
    shares = (
        per_item.with_columns(
            share=pl.col("positives").sum().over("split") / pl.col("negatives").sum().over("split")
        )
        .filter(pl.col("share").is_finite())
        .group_by("split")
        .agg(percent=100 * (1 - matched.sum() / pl.col("positives").sum()))
    )
    return dict(shares.sort("split").rows())


def _spread(codes: pl.Series) -> list[float]:
    counts = codes.value_counts()["count"]
    return [float(value) for value in (counts.min(), counts.median(), counts.max())]  # type: ignore[arg-type]  # polars types them as any literal


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


def beside_paper(prepared: PreparedData) -> pl.DataFrame:
    """Table 1 of the paper with this data as its last row.

    Returns:
        Columns ``dataset``, ``interactions``, ``users``, ``items``, ``sparsity_percent``.
    """
    stats = json.loads((prepared.path / STATS).read_text(encoding="utf-8"))
    rows = [{"dataset": f"paper, {name}", **row._asdict()} for name, row in PAPER_TABLE1.items()]
    ours = {"dataset": stats["source"], **{name: stats[name] for name in DatasetFigures._fields}}
    return pl.DataFrame([*rows, ours])
