"""A judged study as sheets of text cells, which Markdown, LaTeX and HTML then only have to draw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import polars as pl

from userip_lightning.plural import plural
from userip_lightning.report.block import Block
from userip_lightning.report.notation import NONE, delta, number, p_value, percent, sentence, signed, spread
from userip_lightning.report.over_best import OverBest
from userip_lightning.report.remarks import parts_alone, remarks
from userip_lightning.report.row import MEASURED, row_label
from userip_lightning.report.verdict import MIN_SEEDS

#: Groups in the order of a table, with the heading of their rows.
GROUPS = {
    "reference": "References",
    "network": "Networks",
    "llm": "Language-model baselines",
    "userip": "Networks with codes",
    "control": "Controls",
}
_RANKED = ("auc", "logloss", "calibrated_logloss")
MARKS = {"better": "▲", "worse": "▼", "same": "="}
HEADER = (
    *("method", "AUC", "Logloss", "Logloss, calibrated", "NE", "ECE", "ΔAUC [95\u00a0%]", ""),
    *("ΔLogloss, calibrated [95\u00a0%]", "p DeLong", "p by user", "p seeds"),
)
PAPER_HEADER = ("paper AUC (ours −)", "paper Logloss (ours −)")

#: Characters of a line.
_SENTENCE = 60


class Cell(NamedTuple):
    """One cell; ``rank`` is 1 for the best figure of its column, 2 for the second, else 0.

    ``link`` is an address relative to the report's folder; empty for none.
    """

    text: str
    rank: int = 0
    link: str = ""

    @property
    def is_sentence(self) -> bool:
        """Whether it is too long for one line: such cells wrap, and begin on the left."""
        return len(self.text) > _SENTENCE


class Rows(NamedTuple):
    """Rows under one heading; the first cell of a row is its label."""

    heading: str
    rows: tuple[tuple[Cell, ...], ...]


class Sheet(NamedTuple):
    """One table with all that is said around it."""

    title: str
    caption: str
    header: tuple[str, ...]
    groups: tuple[Rows, ...]
    verdicts: tuple[str, ...]
    absent: tuple[str, ...]  #      rows without figures, and why
    remarks: tuple[str, ...] = ()  # how rows were measured, and on what part

    @property
    def below(self) -> tuple[str, ...]:
        """What stands below the table."""
        return *self.remarks, *self.absent


def block_sheet(block: Block) -> Sheet:
    """The sheet of one block."""
    whole = block.table.filter(pl.col("status") == MEASURED, ~pl.col("part"))
    paper = block.table["paper_auc"].count() > 0
    ranks = {metric: _ranks(whole, metric, metric == "auc") for metric in _RANKED}
    groups = tuple(
        Rows(heading, tuple(_cells(row, ranks, paper) for row in rows.to_dicts()))
        for group, heading in GROUPS.items()
        if not (rows := block.table.filter(pl.col("group") == group)).is_empty()
    )
    header = (*HEADER, *PAPER_HEADER) if paper else HEADER
    said = (_verdicts(block), _absent(block), remarks(block))
    return Sheet(block.name, _caption(block), header, groups, *said)


def _cells(row: Mapping[str, Any], ranks: Mapping[str, Mapping[str, int]], paper: bool) -> tuple[Cell, ...]:
    name = row["method"]
    if row["status"] != MEASURED:
        figures = [Cell(row["status"]), *(Cell(NONE if name else "") for name in HEADER[2:])]
    else:
        figures = [
            *(
                Cell(spread(row[metric], row[f"{metric}_std"]), ranks[metric].get(name, 0))
                for metric in _RANKED
            ),
            Cell(number(row["normalised_entropy"])),
            Cell(number(row["calibration_error"])),
            Cell(delta(row, "auc")),
            Cell(MARKS.get(row["mark"], "")),
            Cell(delta(row, "calibrated_logloss")),
            *(Cell(p_value(row[p])) for p in ("p_delong", "p_delong_users", "p_t")),
        ]
    if paper:
        figures += [Cell(_beside(row, metric)) for metric in ("auc", "logloss")]
    return Cell(row_label(row)), *figures


def _beside(row: Mapping[str, Any], metric: str) -> str:
    if row[f"paper_{metric}"] is None:
        return NONE
    difference = row[f"{metric}_over_paper"]
    return number(row[f"paper_{metric}"]) + ("" if difference is None else f" ({signed(difference)})")


def _ranks(whole: pl.DataFrame, metric: str, descending: bool) -> dict[str, int]:
    """Method to 1 or 2; figures that are written alike share a rank."""
    shown = whole.select("method", figure=pl.col(metric).round(4))
    best = shown["figure"].unique().sort(descending=descending).head(2).to_list()
    return {name: best.index(figure) + 1 for name, figure in shown.iter_rows() if figure in best}


def _caption(block: Block) -> str:
    if block.base_rate_logloss is None:
        return "Nothing was measured."
    if parts_alone(block):
        return "Judged on parts of the rows or seeds, as said below."
    return (
        f"Judged on {plural(block.rows, 'row')} of {plural(block.users, 'user')}, "
        f"{plural(block.seeds, 'seed')}; Logloss of the click rate alone {block.base_rate_logloss:.4f}."
    )


def _verdicts(block: Block) -> tuple[str, ...]:
    """Sentences about codes with controls, about all other networks, the best baseline, references."""
    names = {row["method"]: row_label(row) for row in block.table.to_dicts()}
    lines = [f"{names[found.method]}. {found.sentence}" for found in block.verdicts if found.controls]
    rows = block.table.filter((pl.col("group") == "userip") & pl.col("mark").is_not_null())
    if rows.height:
        count = {mark: (rows["mark"] == mark).sum() for mark in MARKS}
        lines.append(
            f"Over the same network without codes, {count['better']} of {plural(rows.height, 'method')} with "
            f"codes gain at least 0.001 AUC, the whole interval above zero, at a calibrated Logloss that is "
            f"not worse, with at least {MIN_SEEDS} seeds; {count['worse']} lose as much AUC."
        )
    if block.over_best is not None:
        lines.append(_over_best(block.over_best))
    whole = block.table.filter(~pl.col("part")).drop_nulls("auc")
    best = whole.filter(pl.col("group") == "reference").sort("auc").tail(1)
    networks = whole.filter(pl.col("group") == "network")
    if best.height and networks.height:
        below = networks.filter(pl.col("auc") < best["auc"][0]).height
        lines.append(
            f"The best reference, {best['method'][0]} at {best['auc'][0]:.4f} AUC, is above {below} of "
            f"{plural(networks.height, 'network')}."
        )
    return tuple(lines)


def _over_best(found: OverBest) -> str:
    return (
        f"Relative improvement as in the paper's Table 2 (Eq. 10, 11): {found.method} has "
        f"{percent(found.auc_improvement)} AUC and {percent(found.logloss_improvement)} Logloss over "
        f"{found.baseline}, on these rows the best of {plural(found.baselines, 'method')} without codes by "
        f"AUC (ΔAUC {delta(found.deltas, 'auc')})."
    )


def _absent(block: Block) -> tuple[str, ...]:
    """One line per reason: language-model rows are often missing for the same one."""
    named: dict[str, list[str]] = {}
    for row in block.table.filter(pl.col("status") != MEASURED).to_dicts():
        named.setdefault(f"{row['status']}. {sentence(row['reason'])}", []).append(row["method"])
    return tuple(f"{', '.join(methods)}: {reason}" for reason, methods in named.items())
