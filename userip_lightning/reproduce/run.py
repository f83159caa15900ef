"""`userip reproduce`: one table or figure of the paper, from data to report."""

from __future__ import annotations

import os
from typing import NamedTuple

from userip_lightning.artifact import write_errors
from userip_lightning.reproduce.baseline_settings import read_baseline
from userip_lightning.reproduce.case import read_experiment, read_further
from userip_lightning.reproduce.choice import Choice, chosen_rows
from userip_lightning.reproduce.networks import read_networks
from userip_lightning.reproduce.pool import Pool
from userip_lightning.reproduce.progress import StudyDisplay
from userip_lightning.reproduce.reporting import Written, write_report
from userip_lightning.reproduce.row import Row
from userip_lightning.reproduce.schedule import Schedule
from userip_lightning.reproduce.settings import Study, check, study_root
from userip_lightning.reproduce.tables import TableName


class Finished(NamedTuple):
    """What a study ends with.

    Args:
        report: its folder and first table.
        rows: how many the table has.
        failed: labels of those that were meant to be measured and could not be.
    """

    report: Written
    rows: int
    failed: tuple[str, ...]


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
    study = read_networks(study)
    baselines = {label: read_baseline(label, given) for label, given in study.baselines.items()}
    rows = chosen_rows(table, study, choice, baselines)
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
    report = write_report(table, study, list(zip(rows, outcomes, sizes, strict=True)), schedule.usage)
    failed = (row.label for row, outcome in zip(rows, outcomes, strict=True) if outcome.failed)
    return Finished(report, len(rows), tuple(failed))
