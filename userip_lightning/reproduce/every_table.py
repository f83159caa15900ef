"""`userip reproduce all`: every table and figure of the paper in turn, and one page above them.

The overview is written anew after every table, so that it is there while the next one runs.
"""

from __future__ import annotations

import time
from typing import get_args

from userip_lightning.artifact import stable_hash
from userip_lightning.errors import InputError, Unavailable
from userip_lightning.lock import sole_writer
from userip_lightning.pipeline.code_version import code_hash
from userip_lightning.report.overview import Part, overview_sheet, read_earlier, write_overview
from userip_lightning.reproduce.choice import Choice, kept
from userip_lightning.reproduce.progress import StudyDisplay
from userip_lightning.reproduce.reporting import Written
from userip_lightning.reproduce.row_task import Outcome
from userip_lightning.reproduce.run import Finished, check_files, reproduce
from userip_lightning.reproduce.settings import Study, check, study_root
from userip_lightning.reproduce.tables import TableName
from userip_lightning.reproduce.tables_without_rows import SPECIAL
from userip_lightning.reproduce.train_row import guarded

#: The name of it, and the folder of its report below the study's.
ALL = "all"
#: Of a study, what changes no result.
_NO_SETTINGS = ("output", "workers", "wandb")


def names() -> list[str]:
    """All tables, then all figures, in the paper's order."""
    return sorted([*get_args(TableName), *SPECIAL], key=lambda name: (name.startswith("fig"), name))


def make(name: str, study: Study, choice: Choice, display: StudyDisplay) -> Finished:
    """One table or figure, whatever its kind; raises what :func:`reproduce` raises, and where another process
    writes into the study's folder."""
    check(study)
    with sole_writer(study_root(study), "study", shared=True):
        if name in SPECIAL:
            return SPECIAL[name].make(study, choice, display)
        table: TableName = next(one for one in get_args(TableName) if one == name)
        return reproduce(table, study, choice, display)


def reproduce_all(study: Study, choice: Choice, display: StudyDisplay) -> Finished:
    """Make every table and figure; what is done is not done again, what fails stops none of the others.

    Args:
        study: its settings.
        choice: data sets and splits to keep; methods belong to single tables.
        display: shows how far it is.

    Returns:
        The overview; ``failed`` are rows, and tables without a report.

    Raises:
        InputError: settings or names that cannot be used, the output folder cannot be written, or another
            process writes into it.
        argparse.ArgumentError: a YAML file that `userip fit` would refuse as well; nothing has run then.
        KeyboardInterrupt: interrupted; the same call resumes.
    """
    check(study)
    with sole_writer(study_root(study), "study", shared=True):
        return _reproduce_all(study, choice, display)


def _reproduce_all(study: Study, choice: Choice, display: StudyDisplay) -> Finished:
    datasets = kept("datasets", choice.datasets, list(study.dataset_files))
    splits = kept("splits", choice.splits, list(study.split_rules))
    if choice.methods is not None:
        raise InputError("--methods: `all` makes whole tables; name one table, or leave --methods out.")
    check_files(study, datasets, splits)
    folder, order = study_root(study) / ALL, names()
    settings = _settings(study, choice)
    earlier = read_earlier(folder, settings)
    parts: list[Part] = []
    for number, name in enumerate(order, 1):
        display.begin(name, number, len(order))
        before = earlier[name].seconds if name in earlier else 0.0
        parts.append(_part(name, study, choice, display, before))
        write_overview(folder, study.study, parts, order[number:], earlier, settings)
    failed = [f"{part.name}: {row}" for part in parts for row in part.failed]
    broken = [part.name for part in parts if part.broken is not None]
    written = Written(folder, overview_sheet(parts))
    rows = sum(part.rows for part in parts) + len(broken)
    return Finished(written, rows, (*failed, *broken))


def _part(name: str, study: Study, choice: Choice, display: StudyDisplay, earlier: float) -> Part:
    """Make one table, and say why where it cannot be made."""
    made: list[Finished] = []
    started = time.monotonic()

    def work() -> Outcome:
        made.append(make(name, study, choice, display))
        return Outcome()

    outcome = guarded(work, name, study_root(study), Unavailable)
    seconds = earlier + time.monotonic() - started
    if not made:
        display.notice(f"{name}: {outcome.not_run or outcome.failed}")
        return Part(name, "", 0, (), outcome.not_run, outcome.failed, seconds, ())
    finished = made[0]
    written = finished.report
    display.notice(f"{name}: {written.found} Report: {written.folder}")
    return Part(name, written.found, finished.rows, finished.failed, None, None, seconds, (written.summary,))


def _settings(study: Study, choice: Choice) -> str:
    """Hash of what decides over results, and of the code that words them; not of where they are made."""
    values = {name: value for name, value in vars(study).items() if name not in _NO_SETTINGS}
    return stable_hash([values, choice, code_hash([__name__])])
