"""Table 1: the study's data sets as they were prepared, beside the paper's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from userip_lightning.data.statistics import STATS
from userip_lightning.data.tools.paper_table1 import PAPER_TABLE1, DatasetFigures
from userip_lightning.errors import InputError
from userip_lightning.pipeline.config import prepare
from userip_lightning.plural import plural
from userip_lightning.report.folder import write_sheets
from userip_lightning.report.notation import NONE, signed
from userip_lightning.report.sheet import Cell, Rows, Sheet
from userip_lightning.reproduce.case import read_experiment
from userip_lightning.reproduce.choice import Choice, kept
from userip_lightning.reproduce.networks import read_networks
from userip_lightning.reproduce.progress import StudyDisplay
from userip_lightning.reproduce.reporting import Written
from userip_lightning.reproduce.run import Finished
from userip_lightning.reproduce.settings import Study, check, study_root

_HEADER = ("data set", "interactions", "users", "items", "sparsity %", "positive %")
_NOTES = (
    "Counts are those after filtering, of logged events, without sampled negatives. Sparsity is the share of "
    "user and item pairs without an event.",
    "The split does not change these figures, but for what a split cannot place.",
)
_Figures = Mapping[str, Any]


def table1(study: Study, choice: Choice, display: StudyDisplay) -> Finished:
    """Prepare the data sets and write the table.

    Args:
        study: its settings.
        choice: which part of it; of the splits the first counts.
        display: shows how far it is.

    Raises:
        InputError: settings or names that cannot be used, or the output folder cannot be written.
        argparse.ArgumentError: a YAML file that `userip fit` would refuse as well.
    """
    check(study)
    study = read_networks(study)
    datasets = kept("datasets", choice.datasets, list(study.dataset_files))
    split = kept("splits", choice.splits, list(study.split_rules))[0]
    display.expect(len(datasets))
    known: dict[str, _Figures] = {}
    missing: dict[str, str] = {}
    for dataset in datasets:
        figures = _figures(study, dataset, split, display)
        if isinstance(figures, str):
            missing[dataset] = figures
        else:
            known[dataset] = figures
    sheet = _sheet(known, missing)
    folder = study_root(study) / "table1"
    users = sum(figures["users"] for figures in known.values())
    write_sheets(folder, "table1", [sheet], _NOTES, {"datasets": known, "not_run": missing}, users)
    return Finished(Written(folder, sheet, _found(known, missing)), len(datasets), ())


def _figures(study: Study, dataset: str, split: str, display: StudyDisplay) -> _Figures | str:
    """The figures of a data set, or why they cannot be had."""
    experiment = read_experiment(study, dataset, split)
    try:
        prepared = prepare(experiment, display.notice)
    except InputError as error:
        return " ".join(str(error).split())
    figures: _Figures = json.loads((prepared / STATS).read_text(encoding="utf-8"))
    return figures


def _sheet(known: Mapping[str, _Figures], missing: Mapping[str, str]) -> Sheet:
    paper = {name.lower(): figures for name, figures in PAPER_TABLE1.items()}
    ours = [_row(name, figures, paper.get(name.lower())) for name, figures in known.items()]
    ours += [(Cell(name), Cell("not run"), *(Cell(NONE),) * 4) for name in missing]
    theirs = [_row(name, {**row._asdict(), "positive_percent": None}) for name, row in PAPER_TABLE1.items()]
    groups = (
        Rows("This study (difference to the paper in brackets)", tuple(ours)),
        Rows("The paper", tuple(theirs)),
    )
    absent = tuple(f"{name}: not run. {reason}" for name, reason in missing.items())
    return Sheet("Data sets", "", _HEADER, groups, (), absent)


def _row(name: str, figures: _Figures, paper: DatasetFigures | None = None) -> tuple[Cell, ...]:
    """Figures, each with the difference to the paper's where it has this data set."""
    cells = [Cell(name)]
    for key, digits in (("interactions", 0), ("users", 0), ("items", 0), ("sparsity_percent", 2)):
        text = f"{figures[key]:,.{digits}f}"
        cells.append(
            Cell(text if paper is None else f"{text} ({signed(figures[key] - getattr(paper, key), digits)})")
        )
    positive = figures["positive_percent"]
    return *cells, Cell(NONE if positive is None else f"{positive:.1f}")


def _found(known: Mapping[str, _Figures], missing: Mapping[str, str]) -> str:
    said = [
        f"{name}: {plural(of['interactions'], 'interaction')} of {plural(of['users'], 'user')} with "
        f"{plural(of['items'], 'item')}, {of['sparsity_percent']:.2f} % of all pairs unseen"
        for name, of in known.items()
    ]
    said += [f"{name} was not run" for name in missing]
    return f"{'; '.join(said)}."
