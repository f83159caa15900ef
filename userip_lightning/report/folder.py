"""A report's folder: what it may replace, and the files of one that is sheets and figures."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from matplotlib.figure import Figure

from userip_lightning.artifact import MANIFEST, Manifest, stable_hash, writing
from userip_lightning.atomic import write_text
from userip_lightning.errors import InputError
from userip_lightning.report.drawing import inline_svg, save_figure
from userip_lightning.report.markdown import study_markdown
from userip_lightning.report.page import Panel, Picture, page
from userip_lightning.report.sheet import Sheet

RESULTS, MARKDOWN, PAGE = "results.json", "report.md", "report.html"
_FIGURES = "figures"


class Drawn(NamedTuple):
    """A figure below a sheet: its caption, and its file's name without suffix."""

    stem: str
    caption: str
    figure: Figure


def expect_replaceable(folder: Path) -> None:
    """Refuse a place where something else would be lost; a report may be replaced in whatever state it is.

    Raises:
        InputError: the folder holds something that is no report.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    try:
        kind = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["kind"]
    except (OSError, ValueError, KeyError, TypeError):
        kind = None
    if kind != "study":
        raise InputError(f"{folder}: holds something that is no study; name another folder for the report.")


def write_sheets(
    folder: Path,
    title: str,
    sheets: Sequence[Sheet],
    notes: Sequence[str],
    results: Mapping[str, object],
    users: int,
    figures: Sequence[Sequence[Drawn]] = (),
    training: Sequence[Figure] = (),
    usage: Mapping[str, Sequence[int]] | None = None,
    further: Callable[[Path], object] = lambda folder: None,
) -> None:
    """Write a report of sheets: for programs (JSON), as Markdown and as a page; figures as SVG and PNG too.

    Args:
        folder: one artifact of kind ``study``; replaced as a whole.
        title: of the report.
        sheets: in order.
        notes: how to read them, a sentence or two each.
        results: what the sheets show, for ``results.json``; its own ``notes`` are instead of these there.
        users: that it is about.
        figures: of every sheet, in the order of the sheets; none where left out.
        training: its curves.
        usage: profile to the number of users of each of its codes.
        further: writes more files into the folder that it is given.

    Raises:
        InputError: ``folder`` holds something else, or the disk is full.
    """
    expect_replaceable(folder)
    identity = stable_hash(results)
    with writing(folder, Manifest("study", identity, identity, users)) as draft:
        text = json.dumps({"title": title, "notes": list(notes), **results}, indent=1, ensure_ascii=False)
        write_text(draft / RESULTS, f"{text}\n")
        write_text(draft / MARKDOWN, study_markdown(title, sheets, notes))
        if figures or training:
            (draft / _FIGURES).mkdir()
        drawn = figures or [()] * len(sheets)
        pictures = [_pictures(below, draft / _FIGURES) for below in drawn]
        curves = _pictures(
            [Drawn(f"training-{number}", "training curves", one) for number, one in enumerate(training)],
            draft / _FIGURES,
        )
        panels = [Panel(sheet, below) for sheet, below in zip(sheets, pictures, strict=True)]
        untitled = [Picture("", one.svg) for one in curves]
        write_text(draft / PAGE, page(title, panels, notes, untitled, usage))
        further(draft)


def _pictures(below: Sequence[Drawn], folder: Path) -> tuple[Picture, ...]:
    """Save figures into the folder, and take them for the page."""
    return tuple(
        Picture(one.caption, inline_svg(save_figure(one.figure, folder / one.stem), one.caption))
        for one in below
    )
