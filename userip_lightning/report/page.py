"""One static HTML file: tables, figures and code usage, nothing fetched from anywhere.

The policy in its head forbids every request, so the file shows the same on a disk, in a mail and on a server.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

import numpy as np

from userip_lightning.plural import plural
from userip_lightning.report.notation import NONE
from userip_lightning.report.page_style import SCRIPT, STYLE
from userip_lightning.report.sheet import Cell, Rows, Sheet

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
_ASIDE = re.compile(r"(?<=\d) [±\[(]")
_MARKS = {"▲": "up", "▼": "down", NONE: "none", "=": "none"}


class Picture(NamedTuple):
    """A figure as an ``<svg>`` element (``drawing.inline_svg``) with its caption."""

    caption: str
    svg: str


class Panel(NamedTuple):
    """One section of the page."""

    sheet: Sheet
    pictures: tuple[Picture, ...] = ()


class Section(NamedTuple):
    """A section that another room wrote, put into the page as it is."""

    title: str
    html: str  # escaped already; its first heading is an <h3>
    style: str = ""
    script: str = ""


def page(
    title: str,
    panels: Sequence[Panel],
    notes: Sequence[str],
    curves: Sequence[Picture] = (),
    usage: Mapping[str, Sequence[int]] | None = None,
    further: Sequence[Section] = (),
) -> str:
    """The whole file.

    Args:
        title: of the page.
        panels: sections in order; more than two get links at the top.
        notes: how to read it, at the end.
        curves: of training.
        usage: profile to the number of users of each of its codes.
        further: sections from elsewhere, after all others; with links at the top.
    """
    titles = [panel.sheet.title for panel in panels] + [section.title for section in further]
    links = "".join(f'<a href="#s{i}">{escape(name)}</a>' for i, name in enumerate(titles))
    sections = [_panel(panel, f"s{i}") for i, panel in enumerate(panels)]
    if curves:
        sections.append(f"<section><h2>Training</h2>{_pictures(curves)}</section>")
    if usage:
        sections.append(f"<section><h2>How the codes are used</h2>{_usage(usage)}</section>")
    sections += [
        f'<section id="s{i}"><h2>{escape(section.title)}</h2>\n{section.html}</section>'
        for i, section in enumerate(further, start=len(panels))
    ]
    reading = "".join(f"<li>{escape(line)}</li>" for line in notes)
    if notes:
        sections.append(f'<section><h2>How to read this</h2><ul class="notes">{reading}</ul></section>')
    return document(
        title,
        "\n".join([f"<nav>{links}</nav>" if len(titles) > 2 else "", *sections]),
        "".join(dict.fromkeys(section.style for section in further)),
        "".join(dict.fromkeys(section.script for section in further)),
    )


def document(title: str, body: str, style: str = "", script: str = "") -> str:
    """A file around the sections of a page.

    Args:
        title: its heading.
        body: HTML below the heading.
        style: further rules.
        script: further statements, after the page's own.
    """
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<link rel="icon" href="data:,">\n<title>{escape(title)}</title>',
            f"<style>{STYLE}{style}</style>\n</head>",
            f"<body>\n<main>\n<h1>{escape(title)}</h1>",
            body,
            f"</main>\n<script>{SCRIPT}{script}</script>\n</body>\n</html>\n",
        ]
    )


def _panel(panel: Panel, anchor: str) -> str:
    sheet = panel.sheet
    verdicts = "".join(f"<li>{escape(line)}</li>" for line in sheet.verdicts)
    below = "".join(f"<li>{escape(line)}</li>" for line in sheet.below)
    parts = [
        f'<section id="{anchor}"><h2>{escape(sheet.title)}</h2>',
        f'<p class="caption">{escape(sheet.caption)}</p>' if sheet.caption else "",
        f'<ul class="verdicts">{verdicts}</ul>' if verdicts else "",
        _table(sheet),
        f'<ul class="below">{below}</ul>' if below else "",
        _pictures(panel.pictures) if panel.pictures else "",
        "</section>",
    ]
    return "\n".join(part for part in parts if part)


def _table(sheet: Sheet) -> str:
    names = "".join(
        f'<th scope="col"><button type="button">{escape(name)}</button></th>' if name else "<td></td>"
        for name in sheet.header
    )
    bodies = "\n".join(_group(group, len(sheet.header)) for group in sheet.groups)
    return f'<div class="scroll" tabindex="0"><table><thead><tr>{names}</tr></thead>\n{bodies}</table></div>'


def _group(group: Rows, width: int) -> str:
    heading = f'<tr class="group"><th colspan="{width}" scope="rowgroup">{escape(group.heading)}</th></tr>'
    rows = "\n".join(f"<tr>{''.join(_cell(cell) for cell in row)}</tr>" for row in group.rows)
    return f"<tbody>{heading if group.heading else ''}\n{rows}</tbody>"


def _cell(cell: Cell) -> str:
    """The figure in full strength, what follows of it (± deviation, [interval], (difference)) smaller."""
    aside = None if cell.is_sentence else _ASIDE.search(cell.text)
    start = aside.start() if aside else len(cell.text)
    figure = escape(cell.text[:start])
    text = {1: f"<b>{figure}</b>", 2: f"<u>{figure}</u>"}.get(cell.rank, figure)
    text += f"<small>{escape(cell.text[start:])}</small>" if aside else ""
    text = f'<a href="{escape(cell.link)}">{text}</a>' if cell.link else text
    kind = "sentence" if cell.is_sentence else _MARKS.get(cell.text)
    return f'<td class="{kind}">{text}</td>' if kind else f"<td>{text}</td>"


def _pictures(pictures: Sequence[Picture]) -> str:
    shown = (
        f"<figure><figcaption>{escape(picture.caption)}</figcaption>{picture.svg}</figure>"
        for picture in pictures
    )
    return f'<div class="figures">{"".join(shown)}</div>'


def _usage(usage: Mapping[str, Sequence[int]]) -> str:
    return f'<div class="usage">{"".join(_profile(name, counts) for name, counts in usage.items())}</div>'


def _profile(name: str, counts: Sequence[int]) -> str:
    """A bar per code; perplexity is the number of equally used codes that would be as even."""
    share = np.asarray(counts, dtype=np.float64) / max(1, sum(counts))
    used = share[share > 0]
    perplexity = float(np.exp(-(used * np.log(used)).sum()))
    widths = share / max(share.max(initial=0), 1e-9)
    bars = "".join(
        f'<dt>{code}</dt><dd class="bar" style="--width: {width:.1%}"></dd>'
        f"<dd>{plural(count, 'user') if count else 'unused'}</dd>"
        for code, (width, count) in enumerate(zip(widths, counts, strict=True))
    )
    summary = f"{plural(len(counts), 'code')}, perplexity {perplexity:.2f}"
    return f'<div><h3>{escape(name)}</h3><p class="caption">{summary}</p><dl>{bars}</dl></div>'
