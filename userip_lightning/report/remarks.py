"""What is said below a table of its rows: how they were measured, on what part, and beside whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from userip_lightning.plural import plural
from userip_lightning.report.block import Block
from userip_lightning.report.notation import number, sentence
from userip_lightning.report.row import MEASURED, row_label


def remarks(block: Block) -> tuple[str, ...]:
    """One line per measured row that has a note, is a part, has a counterpart that its label hides,
    predicts worse than the click rate, or has codes that are no better than those of another's input.

    Figures in it come from the predictions; the note is the study's own word.
    """
    rows = block.table.filter(pl.col("status") == MEASURED).to_dicts()
    measured = {row["method"] for row in rows}
    reached = {found.method: found.reach for found in block.verdicts}
    whole = not all(row["part"] for row in rows)
    lines = []
    for row in rows:
        said = [
            sentence(row["note"]) if row["note"] else "",
            _part(row, block, whole) if row["part"] else "",
            _counterpart(row) if row["against"] in measured else "",
            _above_click_rate(row),
            reached.get(row["method"], ""),
        ]
        if any(said):
            lines.append(f"{row_label(row)}: {' '.join(filter(None, said))}")
    return tuple(lines)


def parts_alone(block: Block) -> bool:
    """Whether nothing was judged on all that the block's methods were judged on together."""
    rows = block.table.filter(pl.col("status") == MEASURED)
    smaller = rows.filter((pl.col("rows") < block.rows) | (pl.col("seeds") < block.seeds))
    return rows["part"].all() and not smaller.is_empty()


def _part(row: Mapping[str, Any], block: Block, whole: bool) -> str:
    """Rows and seeds, out of those of the block where it has a row on all of them."""
    if not whole:
        judged = f"{plural(row['rows'], 'row')} with {plural(row['seeds'], 'seed')}"
    else:
        judged = (
            f"{row['rows']:,} of {plural(block.rows, 'row')} "
            f"with {row['seeds']} of {plural(block.seeds, 'seed')}"
        )
    if row["against_auc"] is None:
        return f"Judged on {judged}."
    return (
        f"Judged on {judged}; {row['against']} on the same rows and seeds: "
        f"AUC {number(row['against_auc'])}, Logloss {number(row['against_logloss'])}."
    )


def _above_click_rate(row: Mapping[str, Any]) -> str:
    """Where a Logloss, as it is written, is above that of the click rate alone."""
    own, calibrated, rate = (
        number(row[key]) for key in ("logloss", "calibrated_logloss", "base_rate_logloss")
    )
    if max(float(own), float(calibrated)) <= float(rate):
        return ""
    where = [name for name, value in (("before", own), ("after", calibrated)) if float(value) > float(rate)]
    return (
        f"Its Logloss {' and '.join(where)} calibration ({own}, {calibrated}) is above that of the click "
        f"rate alone ({rate})."
    )


def _counterpart(row: Mapping[str, object]) -> str:
    """Where the reader cannot know it: of a baseline whose label does not tell, or where there is none."""
    if row["against_auc"] is None:
        return f"Not compared with {row['against']}, which was not judged on all of its rows and seeds."
    return f"Compared with {row['against']}." if row["group"] == "llm" and not row["part"] else ""
