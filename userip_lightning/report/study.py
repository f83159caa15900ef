"""Write down what a study found: for programs, for people, for a paper, for a browser.

The folder is one artifact of kind ``study``, whole or absent:

    entries.json     what was judged           report.md    tables and verdicts
    results.parquet  a row per entry           report.tex   the same tables for a paper
    results.json     the same, with verdicts   report.html  the same as one page, with figures
                                               figures/     SVG and PNG
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from userip_lightning.artifact import Manifest, stable_hash, writing
from userip_lightning.atomic import write_text
from userip_lightning.report.block import Block
from userip_lightning.report.drawing import inline_svg, save_figure
from userip_lightning.report.entries import Entry, write_entries
from userip_lightning.report.figures import Curves, block_figure, curve_figures, size_figures
from userip_lightning.report.folder import MARKDOWN, PAGE, RESULTS, expect_replaceable
from userip_lightning.report.judge import Study, judge_study
from userip_lightning.report.latex import study_latex
from userip_lightning.report.legend import LEGEND
from userip_lightning.report.markdown import study_markdown
from userip_lightning.report.page import Panel, Picture, page
from userip_lightning.report.sheet import Sheet, block_sheet
from userip_lightning.report.summary import summary_sheet

TABLE, LATEX, FIGURES = "results.parquet", "report.tex", "figures"
#: Figures of one block with their captions.
_Drawn = Sequence[tuple[str, Figure]]


def write_study(
    folder: Path,
    entries: Sequence[Entry],
    *,
    root: Path,
    title: str = "Study",
    notes: Sequence[str] = (),
    curves: Curves | None = None,
    usage: Mapping[str, Sequence[int]] | None = None,
    judged: str = "test",
    replicates: int = 1000,
    seed: int = 0,
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
        judged: the split of the predictions to judge on.
        replicates: of the bootstrap.
        seed: of the bootstrap.

    Raises:
        InputError: ``folder`` holds something else, entries contradict each other, or the disk is full.
    """
    expect_replaceable(folder)
    study = judge_study(entries, root, judged, replicates, seed)
    identity = stable_hash([entry._asdict() for entry in entries])
    users = sum(block.users for block in study.blocks)
    sheets = [summary_sheet(study.blocks), *(block_sheet(block) for block in study.blocks)]
    with writing(folder, Manifest("study", identity, identity, users)) as draft:
        write_entries(draft, entries)
        study.table.write_parquet(draft / TABLE)
        results = json.dumps(_results(study, title, notes), indent=1, ensure_ascii=False)
        write_text(draft / RESULTS, f"{results}\n")
        write_text(draft / MARKDOWN, study_markdown(title, sheets, (*notes, *LEGEND)))
        write_text(draft / LATEX, study_latex(sheets, notes))
        drawn = [list(_figures(block)) for block in study.blocks]
        training = curve_figures(curves or {})
        _save_figures(draft / FIGURES, study.blocks, drawn, training)
        pictures = [Picture("", inline_svg(figure, "training curves")) for figure in training]
        write_text(draft / PAGE, page(title, _panels(sheets, drawn), (*notes, *LEGEND), pictures, usage))
    return study


def _panels(sheets: Sequence[Sheet], drawn: Sequence[_Drawn]) -> list[Panel]:
    """The summary, which has no figures, then a panel per block."""
    blocks = [
        Panel(sheet, tuple(Picture(caption, inline_svg(figure, caption)) for caption, figure in figures))
        for sheet, figures in zip(sheets[1:], drawn, strict=True)
    ]
    return [Panel(sheets[0]), *blocks]


def _figures(block: Block) -> Iterator[tuple[str, Figure]]:
    """Caption and figure of everything that can be drawn for a block."""
    whole = block_figure(block)
    if whole is not None:
        yield "Every method with its 95 % interval over users and seeds", whole
    for profile, figure in size_figures(block).items():
        yield f"Size of the codebook of {profile}; dashed: without codes", figure


def _save_figures(
    folder: Path,
    blocks: Sequence[Block],
    drawn: Sequence[_Drawn],
    training: Sequence[Figure],
) -> None:
    folder.mkdir()
    for block, figures in zip(blocks, drawn, strict=True):
        stem = re.sub(r"[^A-Za-z0-9]+", "-", block.name)
        for number, (_, figure) in enumerate(figures):
            save_figure(figure, folder / (f"{stem}-{number}" if number else stem))
    for number, figure in enumerate(training):
        save_figure(figure, folder / f"training-{number}")


def _results(study: Study, title: str, notes: Sequence[str]) -> dict[str, object]:
    return {
        "title": title,
        "judged": study.judged,
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
