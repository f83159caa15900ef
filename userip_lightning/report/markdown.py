"""Sheets as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from userip_lightning.markdown import cell, line
from userip_lightning.report.sheet import Cell, Rows, Sheet


def study_markdown(title: str, sheets: Sequence[Sheet], notes: Sequence[str]) -> str:
    """A whole report.

    Args:
        title: its heading.
        sheets: in order.
        notes: how to read them, at the end.
    """
    reading = "\n".join(f"- {line(note)}" for note in notes)
    return f"{sheets_markdown(title, sheets)}\n## How to read this\n\n{reading}\n"


def sheets_markdown(title: str, sheets: Sequence[Sheet]) -> str:
    """A title, and sheets below it."""
    return "\n\n".join([f"# {cell(title)}", *(_sheet(sheet) for sheet in sheets)]) + "\n"


def _sheet(sheet: Sheet) -> str:
    cells = [own for group in sheet.groups for row in group.rows for own in enumerate(row)]
    words = {0, *(place for place, own in cells if own.is_sentence)}
    rule = tuple("---" if place in words else "---:" for place in range(len(sheet.header)))
    rows = [row for group in sheet.groups for row in _group(group, len(sheet.header))]
    header = tuple(map(cell, sheet.header))
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in (header, rule, *rows))
    verdicts = "\n\n".join(f"**{line(verdict)}**" for verdict in sheet.verdicts)
    below = "\n".join(f"- {line(said)}" for said in sheet.below)
    around = (f"## {cell(sheet.title)}", line(sheet.caption), table, verdicts, below)
    return "\n\n".join(part for part in around if part)


def _group(group: Rows, width: int) -> list[tuple[str, ...]]:
    """Its heading in a row of its own, as Markdown has no other place for it, and its rows."""
    heading = [(f"**{_text(Cell(group.heading))}**", *("",) * (width - 1))] if group.heading else []
    return heading + [tuple(map(_text, row)) for row in group.rows]


def _text(own: Cell) -> str:
    text = cell(own.text)
    text = f"[{text}]({own.link})" if own.link else text
    return {1: f"**{text}**", 2: f"<u>{text}</u>"}.get(own.rank, text)
