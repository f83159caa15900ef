"""Write down what a study found: for programs, for people, for a paper, for a browser.

The folder is one artifact of kind ``study``, whole or absent:

    entries.json     what was judged           report.md    tables and verdicts
    results.parquet  a row per entry           report.tex   the same tables for a paper
    results.json     the same, with verdicts   report.html  the same as one page, with figures
                                               figures/     SVG and PNG
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from userip_lightning.atomic import write_text
from userip_lightning.report.block import Block
from userip_lightning.report.entries import Entry, write_entries
from userip_lightning.report.figures import Curves, block_figure, curve_figures, size_figures
from userip_lightning.report.folder import Drawn, expect_replaceable, write_sheets
from userip_lightning.report.judge import Study, judge_study
from userip_lightning.report.latex import study_latex
from userip_lightning.report.legend import LEGEND
from userip_lightning.report.sheet import block_sheet
from userip_lightning.report.summary import summary_sheet
from userip_lightning.schema import TEST

TABLE, LATEX = "results.parquet", "report.tex"


def write_study(
    folder: Path,
    entries: Sequence[Entry],
    *,
    root: Path,
    title: str = "Study",
    notes: Sequence[str] = (),
    curves: Curves | None = None,
    usage: Mapping[str, Sequence[int]] | None = None,
    replicates: int = 1000,
) -> Study:
    """Judge the entries and write the folder.

    Args:
        folder: replaced as a whole; nothing else may be kept in it.
        entries: what to report on, in the order of the tables.
        root: what the runs of the entries are relative to.
        title: of the reports.
        notes: caveats of this study, one sentence each, printed with the tables.
        curves: label to (epoch, validation AUC, validation Logloss) of training.
        usage: profile to the number of users of each of its codes.
        replicates: of the bootstrap.

    Raises:
        InputError: ``folder`` holds something else, entries contradict each other, or the disk is full.
    """
    expect_replaceable(folder)
    study = judge_study(entries, root, replicates)
    sheets = [summary_sheet(study.blocks), *(block_sheet(block) for block in study.blocks)]

    def further(draft: Path) -> None:
        write_entries(draft, entries)
        study.table.write_parquet(draft / TABLE)
        write_text(draft / LATEX, study_latex(sheets, notes))

    write_sheets(
        folder,
        title,
        sheets,
        (*notes, *LEGEND),
        _results(study, notes),
        sum(block.users for block in study.blocks),
        [(), *(list(_figures(block)) for block in study.blocks)],
        curve_figures(curves or {}),
        usage,
        further,
    )
    return study


def _figures(block: Block) -> Iterator[Drawn]:
    """Everything that can be drawn for a block."""
    stem = re.sub(r"[^A-Za-z0-9]+", "-", block.name)
    whole, sizes = block_figure(block), size_figures(block)
    if whole is not None:
        yield Drawn(stem, "Every method with its 95 % interval over users and seeds", whole)
    for number, (profile, figure) in enumerate(sizes.items(), start=whole is not None):
        caption = f"Size of the codebook of {profile}; dashed: without codes"
        yield Drawn(f"{stem}-{number}" if number else stem, caption, figure)


def _results(study: Study, notes: Sequence[str]) -> dict[str, object]:
    return {
        "judged": TEST,
        "replicates": study.replicates,
        "notes": list(notes),
        "blocks": [
            {
                **block._asdict(),
                "table": block.table.to_dicts(),
                "verdicts": [
                    {**found._asdict(), "contrasts": found.contrasts.to_dicts()} for found in block.verdicts
                ],
                "over_best": None if block.over_best is None else block.over_best._asdict(),
            }
            for block in study.blocks
        ],
    }
