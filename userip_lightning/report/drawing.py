"""Saving a figure as SVG and PNG, and putting it into a page that follows the reader's theme."""

from __future__ import annotations

import re
from html import escape
from io import StringIO
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

#: Colours of all figures; in a page each becomes the CSS variable of the same place in the theme.
INK, MUTED, RULE, ACCENT = "#1b1e24", "#666d7a", "#e2e5ea", "#2563c9"
CONTROL, REFERENCE = "#b45f06", "#7a4fa3"
#: Lines of one figure.
LINES = (ACCENT, CONTROL, REFERENCE, "#1b8a5a", "#c2314f", "#0e8a99", "#8a7a14", INK)
_VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    RULE: "--rule",
    ACCENT: "--accent",
    CONTROL: "--control",
    REFERENCE: "--reference",
}
#: Text stays text; the same figure gives the same bytes.
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "userip",
    "font.family": "sans-serif",
    "font.size": 7.5,
}
_NO_METADATA = {"Creator": None, "Date": None, "Format": None, "Type": None}


def save_figure(figure: Figure, stem: Path) -> str:
    """Write ``stem.svg`` and ``stem.png``, and return the SVG's text.

    Raises:
        OSError: the disk is full.
    """
    with rc_context(_STYLE), StringIO() as sink:
        figure.savefig(sink, format="svg", transparent=True, metadata=_NO_METADATA)
        text = sink.getvalue()
        figure.set_layout_engine("none")  # it is laid out by now, and would be again
        figure.savefig(stem.with_suffix(".png"), dpi=200, facecolor="white", metadata={"Software": None})
    stem.with_suffix(".svg").write_text(text, encoding="utf-8")
    return text


def inline_svg(text: str, description: str) -> str:
    """The text of an SVG as an ``<svg>`` element without size, fonts or colours of its own; ``description``
    is read aloud."""
    box = re.search(r'viewBox="[^"]*"', text)
    body = text[
        text.index("</defs>") + len("</defs>") :
    ]  # the first definitions are a style for every element
    body = re.sub(r'<g id="[^"]*"', "<g", body)  # several figures of one page would share them
    body = re.sub(r"font-family: [^;\"]*;? ?", "", body)
    for colour, variable in _VARIABLES.items():
        body = body.replace(colour, f"var({variable})")
    label = escape(description, quote=True)
    return f'<svg {box[0] if box else ""} role="img" aria-label="{label}">{body}'
