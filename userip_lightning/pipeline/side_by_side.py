"""Runs of an experiment that do not read each other, several at a time, each in a process with one thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import as_completed
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from userip_lightning.errors import InputError
from userip_lightning.pipeline.plan import Job
from userip_lightning.pipeline.process_layout import process_count
from userip_lightning.pipeline.progress import Display
from userip_lightning.pipeline.settings import Settings
from userip_lightning.pipeline.training import Record, is_done, train
from userip_lightning.pipeline.usage import released_memory
from userip_lightning.pipeline.worker_pool import WorkerDied, WorkerPool
from userip_lightning.progress_bars import Piece


class Run(NamedTuple):
    """What a process needs: the arguments of :func:`userip_lightning.pipeline.training.train`."""

    job: Job
    settings: Settings
    root: Path
    labels: Mapping[str, str]


def train_side_by_side(runs: Sequence[Run], workers: int, display: Display) -> None:
    """Train what is not done yet.

    Args:
        runs: in any order.
        workers: processes.
        display: shows which runs are being trained, and is told when one ends.

    Raises:
        InputError: a run's Trainer asks for several processes itself, a run refuses its input, or a process
            died; the others end, and go on from their checkpoints next time.
    """
    for run in runs:
        if process_count(run.job.section["trainer"]) > 1:
            raise InputError(
                f"workers: {workers}, but {run.job.stage.name}.trainer asks for several processes per run; "
                "leave one of the two at 1."
            )
    with WorkerPool(workers, _train) as pool:
        for ended in as_completed([pool.submit(_job(run, display)) for run in runs]):
            ended.result()


def _job(run: Run, display: Display) -> Callable[[Callable[[Run], Record]], None]:
    label = run.job.label

    def job(process: Callable[[Run], Record]) -> None:
        if is_done(run.job):
            display.keep(label)
            return
        running = Piece(display, label)
        try:
            record = process(run)
        except WorkerDied as error:
            raise InputError(f"{label}: {error}") from None
        finally:
            running.end()
        display.finish(f"{label}: done in {record.wall_s:.1f} s, {record.peak_rss / 2**20:,.0f} MiB at most")

    return job


def _train(run: Run) -> Record:
    with released_memory(), Display(Console(quiet=True)) as silent:
        return train(run.job, run.settings, run.root, silent, run.labels)
