"""AUC of every method over the number of training users, and over the number of classes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from userip_lightning.report.drawing import INK, LINES, MUTED, RULE
from userip_lightning.report.regime import GROUPS, Finding

#: What is cold, where a regime stands on the axes, and what was found there.
Found = tuple[str, dict[str, Any], Finding]

_AXES = {"train_users": "users in train", "classes": "classes"}
_DASHES = {
    "no text": (0, (1, 1.5)),
    "permuted text": (0, (1, 4)),
    "words": (0, (4, 2)),
    "language model": "-",
}
_MARKS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "h")


def regime_figures(found: Sequence[Found]) -> dict[str, Figure]:
    """Name to figure; an axis along which nothing varies has none.

    A figure over training users holds the classes fixed, one over classes the training users; a panel holds
    everything else fixed: what is cold, and how many titles are shown.
    """
    figures = {}
    for axis, other in (("train_users", "codes"), ("classes", "users")):
        for fixed in dict.fromkeys(axes[other] for _, axes, _ in found):
            part = [one for one in found if one[1][other] == fixed]
            if len({axes[axis] for _, axes, _ in part}) > 1:
                figures[f"over_{axis}-{other}-{fixed}".replace(" ", "")] = _figure(part, axis)
    return figures


def _figure(found: Sequence[Found], axis: str) -> Figure:
    panels: dict[str, list[Found]] = {}
    for one in found:
        panels.setdefault(_panel(one), []).append(one)
    methods = {row["name"]: row["group"] for _, _, finding in found for row in finding.methods}
    names = sorted(methods, key=lambda name: GROUPS.index(methods[name]))
    lines: dict[str, Line2D] = {}
    styles = dict(zip(names, zip(cycle(LINES), cycle(_MARKS), strict=False), strict=False))
    figure = Figure(
        figsize=(max(4.6, 2.3 * len(panels)), 2.6 + 0.14 * (len(names) // 2)), layout="constrained"
    )
    for column, (axes, (title, part)) in enumerate(
        zip(figure.subplots(1, len(panels), sharey=True, squeeze=False)[0], panels.items(), strict=True)
    ):
        for name in names:
            points = sorted(_points(part, name, axis))
            colour, mark = styles[name]
            (lines[name],) = axes.plot(
                [x for x, _ in points],
                [auc for _, auc in points],
                color=colour,
                linestyle=_DASHES[methods[name]],
                linewidth=1.1,
                marker=mark,
                markersize=3,
            )
        axes.set_title(title, color=INK, fontsize=8, loc="left")
        _plain(axes, sorted({one[1][axis] for one in part}))
        axes.set_xlabel(_AXES[axis], color=MUTED, fontsize=7)
        if not column:
            axes.set_ylabel("AUC", color=MUTED, fontsize=7)
    figure.legend(
        lines.values(), lines, loc="outside lower left", ncols=2, frameon=False, fontsize=7, labelcolor=INK
    )
    return figure


def _panel(one: Found) -> str:
    split, axes, _ = one
    titles = axes["titles"]
    return split if titles is None else f"{split}, {titles} title{'' if titles == 1 else 's'}"


def _points(found: Sequence[Found], name: str, axis: str) -> list[tuple[int, float]]:
    return [(at[axis], row["auc"]) for _, at, one in found for row in one.methods if row["name"] == name]


def _plain(axes: Axes, ticks: Sequence[int]) -> None:
    """Figures, labels and a light grid; the values that were tried, on a logarithmic scale."""
    axes.set_xscale("log")
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.minorticks_off()
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(length=0, labelsize=7, labelcolor=MUTED)
    axes.grid(axis="y", color=RULE, linewidth=0.7)
    axes.set_axisbelow(True)
