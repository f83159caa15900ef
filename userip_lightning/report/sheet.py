"""A judged study as sheets of text cells, which Markdown, LaTeX and HTML then only have to draw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import polars as pl

from userip_lightning.report.block import MEASURED, Block
from userip_lightning.report.notation import NONE, delta, number, p_value, plural, sentence, signed, spread

#: Groups in the order of a table, with the heading of their rows.
GROUPS = {
    "reference": "References",
    "network": "Networks",
    "llm": "Language-model baselines",
    "userip": "Networks with codes",
    "control": "Controls",
}
MARKS = {"better": "▲", "worse": "▼", "same": "="}
HEADER = (
    *("method", "AUC", "Logloss", "NE", "ECE", "ΔAUC [95\u00a0%]", "", "ΔLogloss [95\u00a0%]"),
    *("p DeLong", "p by user", "p seeds"),
)
PAPER_HEADER = ("paper AUC (ours −)", "paper Logloss (ours −)")
#: What the columns mean, once for all sheets of a report.
LEGEND = (
    "± is the standard deviation over training seeds. NE is Logloss over that of the click rate alone (below "
    "1: the model knows more than the rate), ECE the expected calibration error. The best figure of a block "
    "is bold, the second underlined.",
    "Δ is a row minus its counterpart (a network with codes or with a control minus the network alone); the "
    "interval comes from a bootstrap that draws users and seeds, alike for all rows. ▲ and ▼: at least 0.001 "
    "AUC better or worse with the whole interval on that side; = otherwise. ▲ beside codes is no claim yet: "
    "codes are a function of the user id, so a gain also has to show against every control of as many bits.",
    "p DeLong tests the AUCs given the trained models and takes rows as independent, which makes it too "
    "sure; p by user is the same test with users as clusters; p seeds is a paired t test over seeds, with "
    "Holm's correction over the rows of one group.",
    "The paper's figures come from its own copy and split of the data; the difference stands in brackets.",
)


class Cell(NamedTuple):
    """One cell; ``rank`` is 1 for the best figure of its column, 2 for the second, else 0."""

    text: str
    rank: int = 0


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
    absent: tuple[str, ...]  # rows without figures, and why


def block_sheet(block: Block) -> Sheet:
    """The sheet of one block."""
    measured = block.table.filter(pl.col("status") == MEASURED)
    paper = block.table["paper_auc"].count() > 0
    ranks = {"auc": _ranks(measured, "auc", True), "logloss": _ranks(measured, "logloss", False)}
    groups = tuple(
        Rows(heading, tuple(_cells(row, ranks, paper) for row in rows.to_dicts()))
        for group, heading in GROUPS.items()
        if not (rows := block.table.filter(pl.col("group") == group)).is_empty()
    )
    header = (*HEADER, *PAPER_HEADER) if paper else HEADER
    return Sheet(block.name, _caption(block), header, groups, _verdicts(block), _absent(block))


def _cells(row: Mapping[str, Any], ranks: Mapping[str, Mapping[str, int]], paper: bool) -> tuple[Cell, ...]:
    name = row["method"]
    if row["status"] != MEASURED:
        figures = [Cell(row["status"]), *(Cell(NONE if name else "") for name in HEADER[2:])]
    else:
        figures = [
            Cell(spread(row["auc"], row["auc_std"]), ranks["auc"].get(name, 0)),
            Cell(spread(row["logloss"], row["logloss_std"]), ranks["logloss"].get(name, 0)),
            Cell(number(row["normalised_entropy"])),
            Cell(number(row["calibration_error"])),
            Cell(delta(row, "auc")),
            Cell(MARKS.get(row["mark"], "")),
            Cell(delta(row, "logloss")),
            *(Cell(p_value(row[p])) for p in ("p_delong", "p_delong_users", "p_t")),
        ]
    if paper:
        figures += [Cell(_beside(row, metric)) for metric in ("auc", "logloss")]
    return Cell(name), *figures


def _beside(row: Mapping[str, Any], metric: str) -> str:
    if row[f"paper_{metric}"] is None:
        return NONE
    difference = row[f"{metric}_over_paper"]
    return number(row[f"paper_{metric}"]) + ("" if difference is None else f" ({signed(difference)})")


def _ranks(measured: pl.DataFrame, metric: str, descending: bool) -> dict[str, int]:
    """Method to 1 or 2; figures that are written alike share a rank."""
    shown = measured.select("method", figure=pl.col(metric).round(4))
    best = shown["figure"].unique().sort(descending=descending).head(2).to_list()
    return {name: best.index(figure) + 1 for name, figure in shown.iter_rows() if figure in best}


def _caption(block: Block) -> str:
    if block.base_rate_logloss is None:
        return "Nothing was measured."
    return (
        f"Judged on {plural(block.rows, 'row')} of {plural(block.users, 'user')}, "
        f"{plural(block.seeds, 'seed')}; Logloss of the click rate alone {block.base_rate_logloss:.4f}."
    )


def _verdicts(block: Block) -> tuple[str, ...]:
    """Sentences about codes with controls, then one about all other networks, then one about references."""
    lines = [f"{found.method}. {found.sentence}" for found in block.verdicts if found.controls]
    rows = block.table.filter((pl.col("group") == "userip") & pl.col("mark").is_not_null())
    if rows.height:
        count = {mark: (rows["mark"] == mark).sum() for mark in MARKS}
        lines.append(
            f"Over the same network without codes, {count['better']} of {plural(rows.height, 'method')} with "
            f"codes gain at least 0.001 AUC, the whole interval above zero; {count['worse']} lose as much."
        )
    best = block.table.filter(pl.col("group") == "reference").drop_nulls("auc").sort("auc").tail(1)
    networks = block.table.filter(pl.col("group") == "network").drop_nulls("auc")
    if best.height and networks.height:
        below = networks.filter(pl.col("auc") < best["auc"][0]).height
        lines.append(
            f"The best reference, {best['method'][0]} at {best['auc'][0]:.4f} AUC, is above {below} of "
            f"{plural(networks.height, 'network')}."
        )
    return tuple(lines)


def _absent(block: Block) -> tuple[str, ...]:
    """One line per reason: language-model rows are often missing for the same one."""
    named: dict[str, list[str]] = {}
    for row in block.table.filter(pl.col("status") != MEASURED).to_dicts():
        named.setdefault(f"{row['status']}. {sentence(row['reason'])}", []).append(row["method"])
    return tuple(f"{', '.join(methods)}: {reason}" for reason, methods in named.items())
