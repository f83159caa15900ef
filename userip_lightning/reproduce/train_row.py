"""One row, in whatever process: its hyper-parameters, then a run per seed; what is done is not done again."""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from userip_lightning.atomic import write_text
from userip_lightning.errors import DISK_FULL, InputError, is_disk_full
from userip_lightning.pipeline.plan import Job
from userip_lightning.pipeline.progress import Display
from userip_lightning.pipeline.training import is_done, read_record, train
from userip_lightning.reproduce.row_task import Outcome, Task, relative
from userip_lightning.reproduce.tuning import choose

FAILURES = "failures"


def run_row(task: Task) -> Outcome:
    """Tune and train a row; whatever goes wrong becomes the row's own failure, not the study's."""
    return guarded(lambda: _train_row(task), task.label, task.place.root)


def guarded(
    work: Callable[[], Outcome], label: str, root: Path, not_run: type[InputError] | tuple[()] = ()
) -> Outcome:
    """Do some work of a row, and say in one sentence why it failed, or was not run, where it does.

    Args:
        work: what to do.
        label: the row in words.
        root: the study's folder; takes the traceback of what is not the input's fault.
        not_run: what is no failure.
    """
    try:
        return work()
    except not_run as error:
        return Outcome(not_run=" ".join(str(error).split()))
    except InputError as error:
        return Outcome(failed=" ".join(str(error).split()))
    except Exception as error:
        if is_disk_full(error):
            return Outcome(failed=f"{DISK_FULL}; free some space and run the same command again.")
        file = root / FAILURES / f"{re.sub(r'[^A-Za-z0-9]+', '-', label)}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        write_text(file, traceback.format_exc())
        reason = (str(error).strip().splitlines() or [""])[0]
        return Outcome(failed=f"{type(error).__name__}: {reason} (traceback in {FAILURES}/{file.name}).")


def _train_row(task: Task) -> Outcome:
    chosen = choose(task)
    jobs = [task.job(index, chosen.parameters) for index in range(len(task.banks))]
    missing = [job for job in jobs if not is_done(job)]
    with Display(Console(quiet=True)) as silent:
        for job in missing:
            train(job, task.experiment.settings, task.place.root, silent, task.found_by)
    records = [record for record in map(read_record, jobs) if record is not None]
    return Outcome(
        runs=tuple(relative(job.target, task.place) for job in jobs),
        chosen=chosen.parameters,
        validation_auc=_validation_auc(jobs[0]),
        seconds=sum(record.wall_s for record in records),
        trained=chosen.run + len(missing),
    )


def _validation_auc(job: Job) -> float:
    return float(json.loads((job.target / "metrics.json").read_text(encoding="utf-8"))["val"]["auc"])
