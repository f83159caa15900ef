"""Figures of a study: every method with its interval, size of codebooks, training curves.

Drawn once with matplotlib, narrow enough for a phone; ``drawing.py`` saves them or puts them into a page.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from userip_lightning.report.block import Block
from userip_lightning.report.drawing import ACCENT, CONTROL, INK, LINES, MUTED, REFERENCE, RULE
from userip_lightning.report.row import MEASURED, row_label
from userip_lightning.report.sheet import GROUPS

#: Label to (epoch, validation AUC, validation Logloss), one triple per epoch.
Curves = Mapping[str, Sequence[tuple[int, float, float]]]

METRICS = {"auc": "AUC", "logloss": "Logloss"}
_COLOURS = {"reference": REFERENCE, "network": INK, "llm": MUTED, "userip": ACCENT, "control": CONTROL}
#: Inches.
_WIDTH, _ROW = 4.6, 0.165
#: More lines than this in one figure cannot be told apart.
_LINES_PER_FIGURE = len(LINES)


def block_figure(block: Block) -> Figure | None:
    """AUC and Logloss of every measured method with 95 % intervals over users and seeds; None without any."""
    order = {group: position for position, group in enumerate(GROUPS)}
    rows = block.table.filter(pl.col("status") == MEASURED)
    rows = rows.sort(pl.col("group").replace_strict(order, return_dtype=pl.Int8), maintain_order=True)
    if rows.is_empty():
        return None
    figure = Figure(figsize=(_WIDTH, 0.75 + _ROW * rows.height), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    for axis, (metric, name) in zip(axes, METRICS.items(), strict=True):
        for y, row in enumerate(rows.to_dicts()):
            colour = _COLOURS[row["group"]]
            axis.hlines(y, row[f"{metric}_low"], row[f"{metric}_high"], color=colour, linewidth=1.1)
            axis.plot(row[metric], y, "o", color=colour, markersize=3.2)
        axis.set_title(name, color=INK, fontsize=8, loc="left")
        _plain(axis, "x")
    axes[0].set_yticks(range(rows.height), [row_label(row) for row in rows.to_dicts()])
    axes[0].set_ylim(rows.height - 0.4, -0.6)
    for text, group in zip(axes[0].get_yticklabels(), rows["group"], strict=True):
        text.set_color(_COLOURS[group])
    return figure


def size_figures(block: Block) -> dict[str, Figure]:
    """Profile to AUC and Logloss over the size of its codebook, for profiles tried at several sizes.

    Rows judged on a part are left out: a line from other rows to these would mean nothing.
    """
    rows = [
        {**row, "sizes": json.loads(row["sizes"])}
        for row in block.table.filter(
            (pl.col("status") == MEASURED) & (pl.col("group") == "userip") & pl.col("sizes").is_not_null(),
            ~pl.col("part"),
        ).to_dicts()
    ]
    profiles = dict.fromkeys(profile for row in rows for profile in row["sizes"])
    found = {}
    for profile in profiles:
        tried = [row for row in _one_network(rows) if profile in row["sizes"]]
        others = [{name: size for name, size in row["sizes"].items() if name != profile} for row in tried]
        tried = [row for row, rest in zip(tried, others, strict=True) if rest == _usual(others)]
        if len({row["sizes"][profile] for row in tried}) > 1:
            found[profile] = _size_figure(block, profile, tried)
    return found


def curve_figures(curves: Curves) -> list[Figure]:
    """Validation AUC and Logloss over epochs, a few labels to a figure."""
    labels = [label for label, points in curves.items() if points]
    return [
        _curve_figure({label: curves[label] for label in labels[start : start + _LINES_PER_FIGURE]})
        for start in range(0, len(labels), _LINES_PER_FIGURE)
    ]


def _size_figure(block: Block, profile: str, rows: Sequence[Mapping[str, Any]]) -> Figure:
    rows = sorted(rows, key=lambda row: row["sizes"][profile])
    sizes = [row["sizes"][profile] for row in rows]
    without = block.table.filter(
        pl.col("method") == rows[0]["against"], pl.col("status") == MEASURED, ~pl.col("part")
    )
    figure = Figure(figsize=(_WIDTH, 2.1), layout="constrained")
    for axis, (metric, name) in zip(figure.subplots(1, 2), METRICS.items(), strict=True):
        low, middle, high = ([row[f"{metric}{end}"] for row in rows] for end in ("_low", "", "_high"))
        axis.vlines(sizes, low, high, color=ACCENT, linewidth=1.1)
        axis.plot(sizes, middle, "o-", color=ACCENT, markersize=3.2, linewidth=1.1)
        for figure_without in without[metric]:
            axis.axhline(figure_without, color=MUTED, linewidth=0.9, linestyle=(0, (3, 2)))
        axis.set_xscale("log")
        axis.set_xticks(sizes, [str(size) for size in sizes])
        axis.minorticks_off()
        axis.set_title(name, color=INK, fontsize=8, loc="left")
        axis.set_xlabel(f"codes of {profile}", color=MUTED, fontsize=7)
        _plain(axis, "y")
    return figure


def _curve_figure(curves: Curves) -> Figure:
    figure = Figure(figsize=(_WIDTH, 2.2 + 0.14 * len(curves)), layout="constrained")
    for panel, (axis, name) in enumerate(zip(figure.subplots(1, 2), METRICS.values(), strict=True)):
        for colour, (label, points) in zip(LINES, curves.items(), strict=False):
            epochs = [point[0] for point in points]
            values = [point[1 + panel] for point in points]
            axis.plot(epochs, values, "o-", color=colour, markersize=2, linewidth=1.1, label=label)
        axis.set_title(f"validation {name}", color=INK, fontsize=8, loc="left")
        axis.set_xlabel("epoch", color=MUTED, fontsize=7)
        axis.xaxis.get_major_locator().set_params(integer=True)
        _plain(axis, "y")
    handles, labels = axis.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", frameon=False, fontsize=7, labelcolor=INK)
    return figure


def _one_network(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Rows of the network with most of them: a line through two networks would mean nothing."""
    return [row for row in rows if row["network"] == _usual([row["network"] for row in rows])]


def _usual(values: Sequence[object]) -> Any:
    return max(values, key=values.count)


def _plain(axis: Axes, grid: Literal["x", "y"]) -> None:
    """Nothing but figures, labels and a light grid along ``grid``."""
    for side in axis.spines.values():
        side.set_visible(False)
    axis.tick_params(length=0, labelsize=7, labelcolor=MUTED)
    axis.grid(axis=grid, color=RULE, linewidth=0.7)
    axis.set_axisbelow(True)
    axis.locator_params(axis=grid, nbins=4)
