"""Sheets as LaTeX tables, for ``\\input`` in a document that loads ``booktabs`` and ``graphicx``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from userip_lightning.report.legend import LEGEND
from userip_lightning.report.sheet import Cell, Sheet

_SYMBOLS = {
    "\\": r"\textbackslash{}",
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
    "\u00a0": "~",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": "$<$",
    ">": "$>$",
    "±": r"$\pm$",
    "Δ": r"$\Delta$",
    "−": "$-$",
    "–": "--",
    "†": r"\dag{}",
    "▲": r"$\uparrow$",
    "▼": r"$\downarrow$",
}
_ESCAPES = str.maketrans(_SYMBOLS)
#: An empty line ends the argument of a command, and other control characters are not allowed at all.
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


def study_latex(sheets: Sequence[Sheet], notes: Sequence[str]) -> str:
    """One ``table`` per sheet, each scaled to the width of the text, then a paragraph on how to read them.

    Args:
        sheets: in order.
        notes: caveats of the study, put before the meaning of the columns.
    """
    reading = _escape(" ".join((*notes, *LEGEND)))
    return "\n".join(
        [*(_sheet(sheet) for sheet in sheets), rf"\paragraph{{How to read the tables.}} {reading}", ""]
    )


def _sheet(sheet: Sheet) -> str:
    width = len(sheet.header)
    body: list[str] = []
    for group in sheet.groups:
        body.append(r"\midrule")
        if group.heading:
            body.append(rf"\multicolumn{{{width}}}{{l}}{{\emph{{{_escape(group.heading)}}}}} \\")
        body += [_row([_text(cell) for cell in row]) for row in group.rows]
    lines = [
        r"\begin{table}[t]",
        r"\centering",
        rf"\caption{{{_escape(' '.join((f'{sheet.title}.', sheet.caption, *sheet.verdicts)))}}}",
        r"\resizebox{\textwidth}{!}{%",
        rf"\begin{{tabular}}{{l{'r' * (width - 1)}}}",
        r"\toprule",
        _row([_escape(name) for name in sheet.header]),
        *body,
        r"\bottomrule",
        r"\end{tabular}}",
        *(rf"\par\smallskip{{\footnotesize {_escape(line)}}}" for line in sheet.below),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    r"""A row; ``\\`` or ``\midrule`` before it would take a ``[`` or ``*`` at its beginning for their own."""
    row = " & ".join(cells)
    return ("{}" if row.startswith(("[", "*")) else "") + row + r" \\"


def _text(cell: Cell) -> str:
    text = _escape(cell.text)
    return {1: rf"\textbf{{{text}}}", 2: rf"\underline{{{text}}}"}.get(cell.rank, text)


def _escape(text: str) -> str:
    return _CONTROL.sub(" ", text).translate(_ESCAPES)
