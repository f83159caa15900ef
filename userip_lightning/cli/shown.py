"""Reports on a terminal, and anybody's text as it is."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from userip_lightning.report.sheet import Sheet

#: Columns of the table where standard output is no terminal and has no width of its own.
WIDTH = 200


def output() -> Console:
    """Standard output, wide enough for a table where it is no terminal."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH)


def titled(title: str | Text) -> Table:
    """A table without columns and rows yet."""
    return Table(title=title, title_justify="left", box=SIMPLE_HEAD)


def show(sheet: Sheet) -> None:
    """Print a sheet, each heading above its rows."""
    shown = titled(sheet.title)
    for column, name in enumerate(sheet.header):
        shown.add_column(name, justify="right" if column else "left")
    for group in sheet.groups:
        if group.heading:
            shown.add_row(Text(group.heading, style="bold"))
        for row in group.rows:
            shown.add_row(*(Text(cell.text) for cell in row))
    output().print(shown)


def show_report(sheets: Sequence[Sheet]) -> None:
    """Print sheets, and below all of them what they say."""
    for sheet in sheets:
        show(sheet)
    console = Console()
    for said in (line for sheet in sheets for line in (*sheet.verdicts, *sheet.below)):
        console.print(Text(said), soft_wrap=not console.is_terminal)


def visible(text: str) -> Text:
    """Somebody else's text: no markup, and a � for each sign that would steer the terminal."""
    return Text("".join(sign if sign.isprintable() else "�" for sign in text))
