"""From the rows of a study to its report."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from itertools import islice
from math import isfinite
from pathlib import Path
from typing import NamedTuple

from userip_lightning.report.entries import Entry
from userip_lightning.report.findings import found
from userip_lightning.report.sheet import Sheet
from userip_lightning.report.study import write_study
from userip_lightning.report.summary import summary_sheet
from userip_lightning.reproduce.row import Row
from userip_lightning.reproduce.row_task import Outcome
from userip_lightning.reproduce.settings import Study, study_root
from userip_lightning.reproduce.tables import TableName

#: A row, what came of it, and the sizes of the codebooks behind it.
Ended = tuple[Row, Outcome, dict[str, int]]
#: Rows whose training curves the report shows.
_CURVES = 12


class Written(NamedTuple):
    """A report's folder, its first table, and what it found, in one sentence."""

    folder: Path
    summary: Sheet
    found: str = ""


def write_report(
    table: TableName, study: Study, ended: Sequence[Ended], usage: Mapping[str, Sequence[int]]
) -> Written:
    """Judge the rows and write the report's folder.

    Args:
        table: which one.
        study: its settings.
        ended: all rows, in the order of the table.
        usage: number of users of every code.

    Raises:
        InputError: the folder holds something else, or the disk is full.
    """
    root = study_root(study)
    folder = root / table
    curves = {
        row.label: _curve(root, row, outcome, study.seeds[0])
        for row, outcome, _ in islice(_with_curves(ended, study), _CURVES)
    }
    judged = write_study(
        folder,
        [_entry(*each) for each in ended],
        root=root,
        title=table,
        notes=_notes(study, [row for row, _, _ in ended]),
        curves=curves,
        usage=usage,
    )
    return Written(folder, summary_sheet(judged.blocks), found(table, judged.blocks))


def _with_curves(ended: Sequence[Ended], study: Study) -> list[Ended]:
    return [each for each in ended if each[0].network == study.control_network and each[1].runs]


def _entry(row: Row, outcome: Outcome, sizes: dict[str, int]) -> Entry:
    return Entry(
        dataset=row.dataset,
        split=row.split,
        fields=row.fields,
        method=row.method,
        group=row.group,
        network=row.network,
        against=row.against,
        runs=outcome.runs,
        failed=outcome.failed,
        not_run=outcome.not_run,
        chosen=outcome.chosen or {},
        sizes=sizes,
        validation_auc=outcome.validation_auc,
        seconds=outcome.seconds,
        note=outcome.note,
        part=outcome.part,
        control=row.reads if row.group == "control" else None,
        codes=row.codes,
        left_out=outcome.left_out,
    )


def _notes(study: Study, rows: Sequence[Row]) -> list[str]:
    trials = study.tuning.trials
    budget = (
        "Every method has the hyper-parameters of its configuration; none was tuned."
        if trials <= 1
        else f"Every trained method had {trials} trials, its configuration among them, judged by "
        f"{study.selection.monitor} of the first seed."
    )
    if trials > 1 and any(row.baseline is not None and row.reads == "none" for row in rows):
        budget += " Language-model baselines that train a language model themselves were not tuned."
    drawn = f"Codes, controls and CTR models are drawn anew for each of {len(study.seeds)} seeds"
    if study.engine == "catalogue":
        return [budget, f"{drawn}; codes come from the catalogue engine."]
    return [budget, f"{drawn}; stage 1 ran with {min(len(study.profile_seeds), len(study.seeds))}."]


def _curve(root: Path, row: Row, outcome: Outcome, seed: int) -> list[tuple[int, float, float]]:
    """Epoch, validation AUC and Logloss of the first seed, as its logger wrote them."""
    key = Path(outcome.runs[0]).name
    points: dict[int, tuple[int, float, float]] = {}
    for file in sorted(root.glob(f"logs/ctr/{row.reads}/seed{seed}-{key}/*/metrics.csv")):
        with file.open(newline="", encoding="utf-8") as handle:
            for line in csv.DictReader(handle):
                if line.get("val/auc") and line.get("epoch"):
                    epoch = int(line["epoch"])
                    points[epoch] = (epoch, float(line["val/auc"]), float(line["val/logloss"]))
    return [point for _, point in sorted(points.items()) if all(map(isfinite, point))]
