"""A report's folder: what it may replace, and the files of one that is nothing but sheets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from userip_lightning.artifact import MANIFEST, Manifest, stable_hash, write_text, writing
from userip_lightning.errors import InputError
from userip_lightning.report.markdown import study_markdown
from userip_lightning.report.page import Panel, page
from userip_lightning.report.sheet import Sheet

RESULTS, MARKDOWN, PAGE = "results.json", "report.md", "report.html"


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
    results: dict[str, Any],
    users: int,
) -> None:
    """Write a report of sheets: for programs (JSON), as Markdown and as a page.

    Args:
        folder: one artifact of kind ``study``; replaced as a whole.
        title: of the report.
        sheets: in order.
        notes: how to read them, a sentence or two each.
        results: what the sheets show, for ``results.json``.
        users: that it is about.

    Raises:
        InputError: ``folder`` holds something else, or the disk is full.
    """
    expect_replaceable(folder)
    identity = stable_hash(results)
    with writing(folder, Manifest("study", identity, identity, users)) as draft:
        text = json.dumps({"title": title, "notes": list(notes), **results}, indent=1, ensure_ascii=False)
        write_text(draft / RESULTS, f"{text}\n")
        write_text(draft / MARKDOWN, study_markdown(title, sheets, notes))
        write_text(draft / PAGE, page(title, [Panel(sheet) for sheet in sheets], notes))
