"""The data card: what was done to a log, with the counts after every step, for people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from userip_lightning.data.tools.paper_table1 import PAPER_TABLE1
from userip_lightning.markdown import cell, code, line

#: File in the prepared folder.
CARD = "card.md"


def data_card(stats: Mapping[str, Any], identity: Mapping[str, Any]) -> str:
    """Markdown.

    Args:
        stats: contents of ``stats.json``.
        identity: the preparation's, see :meth:`userip_lightning.data.preparation.Preparation.identity`.
    """
    return (
        "\n\n".join(
            [
                f"# Data card: {cell(stats['source'])}",
                "## From the log to the prepared data\n\n" + _steps(stats),
                "## Table 1\n\nThe last line is this data; the others are what the paper reports.\n\n"
                + _table1(stats),
                "## Splits and labels\n\n" + _splits(stats),
                "## What to know\n\n" + "\n".join(f"- {line(said)}" for said in _remarks(stats)),
                "## Settings\n\n"
                + "\n".join(f"- `{name}`: {code(str(value))}" for name, value in identity.items()),
            ]
        )
        + "\n"
    )


def _steps(stats: Mapping[str, Any]) -> str:
    rows = [
        [s["step"], *(f"{s[name]:,}" for name in ("interactions", "users", "items"))] for s in stats["steps"]
    ]
    return _markdown(["step", "interactions", "users", "items"], rows)


def _table1(stats: Mapping[str, Any]) -> str:
    rows = [[f"paper, {name}", *_row(row._asdict())] for name, row in PAPER_TABLE1.items()]
    header = ["dataset", "interactions", "users", "items", "sparsity %"]
    return _markdown(header, [*rows, [stats["source"], *_row(stats)]])


def _row(figures: Mapping[str, object]) -> list[str]:
    counts = [f"{figures[name]:,}" for name in ("interactions", "users", "items")]
    return [*counts, f"{figures['sparsity_percent']:.2f}"]


def _splits(stats: Mapping[str, Any]) -> str:
    rows = [
        [name, f"{split['rows']:,}", f"{split['users']:,}", f"{split['positive_percent']:.1f}"]
        for name, split in stats["splits"].items()
    ]
    return _markdown(["split", "rows", "users", "positive %"], rows)


def _remarks(stats: Mapping[str, Any]) -> list[str]:
    rejected, repeated = stats["rejected"], stats["repeated_rows"]
    lines = [
        f"Rows that could not be used: {sum(rejected.values()):,}"
        + "".join(f"; {name}: {count:,}" for name, count in rejected.items()),
        f"Further rows of one id in its table, left out: {repeated['items']:,} of items, "
        f"{repeated['users']:,} of users",
        *(f"{what}: {count:,}" for what, count in stats["skipped"].items()),
        *(
            f"Ids of {name} without a row in their table: {count:,}"
            for name, count in stats["missing_rows"].items()
            if count
        ),
        f"Items without a title: {stats['missing_titles']:,}",
        "Events per user, least, median, most: " + ", ".join(f"{n:g}" for n in stats["events_per_user"]),
        "Events per item, least, median, most: " + ", ".join(f"{n:g}" for n in stats["events_per_item"]),
        "Timestamps: " + _span(*stats["timestamps"]),
    ]
    if stats["unmatched_percent"]:
        shares = ", ".join(f"{share:.1f} % in {split}" for split, share in stats["unmatched_percent"].items())
        lines.append(
            f"Positives without a sampled negative of the same item, so that popularity tells: {shares}"
        )
    for name, found in stats["alike_ids"].items():
        if found["count"]:
            pairs = "; ".join(" and ".join(map(repr, pair)) for pair in found["examples"])
            lines.append(
                f"Ids of {name} that differ only in case, width or blanks: {found['count']:,} ({pairs})"
            )
    return lines


def _span(first: int | None, last: int | None) -> str:
    if first is None or last is None:
        return "none"
    if last < 86_400:
        return f"positions {first} to {last}"
    days = (datetime.fromtimestamp(time, timezone.utc).date().isoformat() for time in (first, last))
    return " to ".join(days)


def _markdown(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *(list(map(cell, row)) for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
