"""`userip reproduce`: one table or figure of the paper, from data to report."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from userip_lightning.atomic import write_errors
from userip_lightning.reproduce.baseline_settings import Baseline, read_baseline
from userip_lightning.reproduce.case import read_experiment, read_further
from userip_lightning.reproduce.choice import Choice, chosen_rows
from userip_lightning.reproduce.networks import knowledge_net, read_networks
from userip_lightning.reproduce.pool import Pool
from userip_lightning.reproduce.progress import StudyDisplay
from userip_lightning.reproduce.reporting import Ended, Written, write_report
from userip_lightning.reproduce.row import Row
from userip_lightning.reproduce.row_task import Task
from userip_lightning.reproduce.schedule import Schedule
from userip_lightning.reproduce.settings import Study, check, study_root
from userip_lightning.reproduce.tables import SWEEPS, TableName


class Finished(NamedTuple):
    """What a study ends with.

    Args:
        report: its folder and first table.
        rows: how many the table has; of several tables, one that cannot be made counts as a row.
        failed: labels of those that were meant to be measured and could not be.
    """

    report: Written
    rows: int
    failed: tuple[str, ...]


class Ran(NamedTuple):
    """Rows that have been tuned and trained.

    Args:
        ended: every row, what came of it, and the sizes of the codebooks behind it.
        usage: number of users of every code.
        tasks: row to how it was trained, for those that were.
    """

    ended: list[Ended]
    usage: Mapping[str, Sequence[int]]
    tasks: Mapping[str, Task]


def reproduce(table: TableName, study: Study, choice: Choice, display: StudyDisplay) -> Finished:
    """Measure a table or figure as far as data, models and machine allow; what is done is not done again.

    Args:
        table: which one.
        study: its settings.
        choice: which part of it.
        display: shows how far it is.

    Raises:
        InputError: settings or names that cannot be used, or the output folder cannot be written.
        argparse.ArgumentError: a YAML file that `userip fit` would refuse as well.
        KeyboardInterrupt: interrupted; the same call resumes.
    """
    check(study)
    if table in SWEEPS:
        study = replace(study, engine=study.sweep_engine)
    study = read_networks(study)
    rows = chosen_rows(table, study, choice, read_baselines(study))
    ran = run_rows(rows, study, display)
    report = write_report(table, study, ran.ended, ran.usage)
    failed = (row.label for row, outcome, _ in ran.ended if outcome.failed)
    return Finished(report, len(rows), tuple(failed))


def read_baselines(study: Study) -> dict[str, Baseline]:
    """Label to the settings of the study's language-model baselines.

    Raises:
        InputError: a file that is no baseline's.
    """
    return {label: read_baseline(label, given) for label, given in study.baselines.items()}


def check_files(study: Study, datasets: Sequence[str], splits: Sequence[str]) -> None:
    """Read every file that a study names, so that a bad one is refused before anything runs.

    Args:
        study: its settings.
        datasets: those that will run.
        splits: those that will run.

    Raises:
        InputError: a file that is no baseline's, or an experiment that a study cannot run.
        argparse.ArgumentError: a YAML file that `userip fit` would refuse as well.
    """
    study = read_networks(study)
    for label, baseline in read_baselines(study).items():
        if baseline.method == "kar":
            knowledge_net(study, label, baseline)
    for dataset in datasets:
        for split in splits:
            experiment = read_experiment(study, dataset, split)
            for label in study.further_codes:
                read_further(study, dataset, experiment, label)


def run_rows(rows: Sequence[Row], study: Study, display: StudyDisplay) -> Ran:
    """Tune and train rows, and whatever they read; what is done is not done again.

    Args:
        rows: of any blocks.
        study: its settings, as :func:`~userip_lightning.reproduce.networks.read_networks` gives them.
        display: shows how far it is.

    Raises:
        InputError: the output folder cannot be written.
        argparse.ArgumentError: a YAML file that `userip fit` would refuse as well.
        KeyboardInterrupt: interrupted; the same call resumes.
    """
    by_case: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        by_case.setdefault(row.case, []).append(row)
    experiments = {case: read_experiment(study, *case) for case in by_case}
    further = {
        case: {
            label: read_further(study, case[0], experiments[case], label)
            for label in dict.fromkeys(row.codes for row in of if row.codes is not None)
        }
        for case, of in by_case.items()
    }
    root = study_root(study)
    with write_errors(root):
        root.mkdir(parents=True, exist_ok=True)
    display.expect(len(rows))
    workers = (os.cpu_count() or 1) if study.workers is None else study.workers
    with Pool(workers, display) as pool:
        schedule = Schedule(pool, study.tuning, display)
        opened = {name: schedule.open(experiments[name], further[name], of) for name, of in by_case.items()}
        for name, case in opened.items():
            if case is not None:
                schedule.infer(case, by_case[name])
                schedule.ask(case, by_case[name])
        outcomes = [schedule.outcome(row) for row in rows]
    sizes = [{} if (case := opened[row.case]) is None else case.sizes(row) for row in rows]
    return Ran(list(zip(rows, outcomes, sizes, strict=True)), schedule.usage, schedule.tasks)
