"""Figure 7: heat maps of users by words, before and after tuning, and shares by layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from userip_lightning.report.drawing import INK, LINES, MUTED, RULE
from userip_lightning.reproduce.attention.reader import Read
from userip_lightning.reproduce.attention.shares import CONDITIONS, Share

#: Words of a sentence that are drawn, and letters of a word.
_WORDS, _LETTERS = 8, 9
#: Text in a cell, which has the same colour in both themes of a page.
_DARK, _LIGHT = "#10131a", "#ffffff"


def heat_maps(user_ids: Sequence[str], read: Sequence[Read], profile: int, layers: Sequence[int]) -> Figure:
    """A panel per start and after tuning; 0 and 1 are the least and the most attention in all panels.

    Args:
        user_ids: of the users to draw.
        read: their sentences.
        profile: place of the profile.
        layers: places of the layers whose mean is drawn.
    """
    shown = [one.weight[:3, layers, profile, :_WORDS].mean(1) for one in read]
    low, high = min(one.min() for one in shown), max(one.max() for one in shown)
    figure = Figure(figsize=(4.6, 0.45 + 3 * (0.28 + 0.17 * len(read))), layout="constrained")
    for c, axes in enumerate(figure.subplots(3, 1)):
        axes.set_title(CONDITIONS[c], color=INK, fontsize=8, loc="left")
        for row, (one, weight) in enumerate(zip(read, shown, strict=True)):
            for column, word in enumerate(one.words[:_WORDS]):
                _cell(axes, column, row, word.text, (weight[c, column] - low) / max(high - low, 1e-12))
        _frame(axes, user_ids)
    return figure


def layer_lines(found: Sequence[Share]) -> Figure:
    """Share of content words over layers, a panel per profile."""
    profiles = list(dict.fromkeys(one.profile for one in found))
    figure = Figure(figsize=(4.6, 0.5 + 1.5 * len(profiles)), layout="constrained")
    panels = figure.subplots(len(profiles), 1, squeeze=False)[:, 0]
    for axes, profile in zip(panels, profiles, strict=True):
        for one, colour in zip((one for one in found if one.profile == profile), LINES, strict=False):
            layers = np.arange(1, len(one.by_layer) + 1)
            axes.plot(layers, one.by_layer, color=colour, linewidth=1.1, label=one.condition)
        axes.set_title(profile, color=INK, fontsize=8, loc="left")
        axes.set_ylabel("share", color=MUTED, fontsize=7)
        axes.tick_params(length=0, labelsize=7, labelcolor=MUTED)
        axes.grid(axis="y", color=RULE, linewidth=0.7)
        for side in axes.spines.values():
            side.set_visible(False)
    panels[-1].set_xlabel("layer", color=MUTED, fontsize=7)
    panels[0].legend(frameon=False, fontsize=6.5, labelcolor=INK, ncols=2)
    return figure


def _cell(axes: Axes, column: int, row: int, text: str, level: float) -> None:
    axes.add_patch(Rectangle((column, row), 0.96, 0.92, color=colormaps["Blues"](0.05 + 0.9 * level), lw=0))
    short = text if len(text) <= _LETTERS else f"{text[: _LETTERS - 1]}…"
    short = short.replace("$", r"\$")  # a title is no formula
    axes.text(
        column + 0.48,
        row + 0.5,
        short,
        ha="center",
        va="center",
        fontsize=5.5,
        color=_LIGHT if level > 0.55 else _DARK,
    )


def _frame(axes: Axes, user_ids: Sequence[str]) -> None:
    names = [name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…" for name in user_ids]
    axes.set_xlim(0, _WORDS)
    axes.set_ylim(len(user_ids), 0)
    axes.set_xticks([])
    axes.set_yticks(np.arange(len(user_ids)) + 0.46, [name.replace("$", r"\$") for name in names])
    axes.tick_params(length=0, labelsize=6, labelcolor=MUTED)
    for side in axes.spines.values():
        side.set_visible(False)
