"""One run: train a stage's module, resumably, and export its artifact."""

from __future__ import annotations

import json
import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from jsonargparse import ArgumentParser
from lightning.pytorch import Callback, LightningDataModule, LightningModule, Trainer, seed_everything
from lightning.pytorch.loggers import Logger

from userip_lightning import artifact, atomic
from userip_lightning.bank import FeatureBank
from userip_lightning.ctr.export import MODEL
from userip_lightning.errors import InputError
from userip_lightning.pipeline.loggers import run_loggers
from userip_lightning.pipeline.plan import Job
from userip_lightning.pipeline.process_group import ALONE, World
from userip_lightning.pipeline.process_layout import process_count
from userip_lightning.pipeline.progress import Display, StepProgress
from userip_lightning.pipeline.quiet import quiet
from userip_lightning.pipeline.resume import BEST, resumable, resume_point
from userip_lightning.pipeline.settings import Settings
from userip_lightning.pipeline.slow_precision import slow_precision
from userip_lightning.pipeline.stages import Stage, export, shared_strategy, stage_parser
from userip_lightning.pipeline.usage import Usage
from userip_lightning.weight_files import require_weights

RECORD = "record.json"


class Record(NamedTuple):
    """What a run cost and measured.

    Args:
        wall_s: seconds of training and testing, of the last attempt where the run was resumed.
        peak_rss: bytes of this process at its largest.
        resumed: whether an earlier attempt was cut short.
        figures: everything that the module logged last.
    """

    wall_s: float
    peak_rss: int
    resumed: bool
    figures: dict[str, float]


class Trainee(NamedTuple):
    """What a section instantiates to."""

    module: LightningModule
    data: LightningDataModule
    trainer: dict[str, Any]


def is_done(job: Job) -> bool:
    """Whether the run's artifact is there and whole.

    Raises:
        InputError: it is there and damaged.
    """
    if job.stage.kind == "bank":
        return FeatureBank.exists(job.target) and bool(FeatureBank.open(job.target))
    return job.target.exists() and bool(artifact.read_manifest(job.target, job.stage.kind))


def instantiate(job: Job) -> Trainee:
    """Build module, DataModule and Trainer arguments from the run's section and what is filled in."""
    parser = _section_parser(job.stage)
    section = deepcopy(job.section)  # the parser writes into what it is given, and the section names the run
    for key, value in job.filled.items():
        group, name = key.split(".")
        section[group][name] = value
    objects = parser.instantiate(parser.parse_object(section))
    trainer = dict(**objects.trainer)
    count = process_count(job.section["trainer"])
    trainer["strategy"] = shared_strategy(job.stage, trainer["strategy"], count)
    return Trainee(objects.model, objects.data, trainer)


@cache
def _section_parser(stage: Stage) -> ArgumentParser:
    """Built once: a study instantiates a thousand sections."""
    return stage_parser(stage)


def share(job: Job, world: World, run: Callable[[Job, World], None]) -> None:
    """Run a job in all processes where its Trainer asks for them, else in the first while the others wait."""
    if world.size == 1 or process_count(job.section["trainer"]) > 1:
        world.connect()
        run(job, world)
        return
    world.disconnect()
    trainer = {**job.section["trainer"], "strategy": "auto"}  # any other would reach for the other processes
    alone = job._replace(section={**job.section, "trainer": trainer})
    world.first(lambda: run(alone, World()))


def train(
    job: Job,
    settings: Settings,
    root: Path,
    display: Display,
    labels: Mapping[str, str] | None = None,
    world: World = ALONE,
) -> Record:
    """Train, test where the stage is tested, export to ``job.target``, and keep a record beside.

    A killed run continues from its last whole checkpoint; checkpoints are deleted once the artifact is
    whole. ``labels`` are by what W&B finds the run, see ``loggers.run_loggers``. All processes of ``world``
    call this; the first one logs and writes.

    Raises:
        InputError: whatever the stage refuses.
        KeyboardInterrupt: the user interrupted; the checkpoint stays.
    """
    job.work.mkdir(parents=True, exist_ok=True)  # a run of no epochs writes no checkpoint into it
    point = world.first(lambda: _resume_point(job, display))
    if point is not None:
        display.notice(f"{job.label}: resuming from its last checkpoint")
    selection = settings.selection if job.stage.selected else None
    callbacks = [StepProgress(display, job.label), *resumable(job.work, selection)]
    logged = run_loggers(job, settings, root, labels) if world.rank == 0 else nullcontext(list[Logger]())
    with quiet(), Usage() as usage, logged as loggers:
        seed_everything(job.seed, workers=True, verbose=False)
        module, data, arguments = instantiate(job)
        trainer = make_trainer({**arguments, "default_root_dir": job.work}, callbacks, loggers)
        if world.rank == 0 and (reason := slow_precision(trainer)) is not None:
            display.notice(f"{job.label}: {reason}")
        with _interruptible(trainer):
            trainer.fit(module, datamodule=data, ckpt_path=point, weights_only=True)
        figures = _figures(trainer)
        if job.stage.tested:
            best = job.work / BEST if selection is not None and trainer.max_epochs != 0 else None
            with _interruptible(trainer):
                trainer.test(module, datamodule=data, ckpt_path=best, verbose=False, weights_only=True)
            figures |= _figures(trainer)
        usage.read()
        record = Record(usage.wall_s, usage.peak_rss, point is not None, figures)
        world.first(lambda: _write_record(job, record))  # before the artifact, which says that it is done
        export(module, job.target)
        world.first(lambda: _forget(job.work))
    return record


def evaluate(job: Job, display: Display) -> None:
    """Test the model of a finished CTR run again and export what it predicts now.

    Raises:
        InputError: the run is not finished, or its model is damaged.
    """
    if not is_done(job):
        raise InputError(
            f"{job.target}: {job.label} was not trained with this configuration; run `userip fit` first."
        )
    model = job.target / MODEL
    require_weights(model, f"delete {job.target} and run `userip fit`, which trains this run again")
    with display.running(job.label), quiet():
        seed_everything(job.seed, workers=True, verbose=False)
        module, data, arguments = instantiate(job)
        trainer = make_trainer(
            {**arguments, "enable_checkpointing": False}, [StepProgress(display, job.label)], []
        )
        with _interruptible(trainer):
            trainer.test(module, datamodule=data, ckpt_path=model, verbose=False, weights_only=True)
        export(module, job.target)
    display.finish(f"{job.label}: tested again")


def read_record(job: Job) -> Record | None:
    """The record of a run that is done; None where it was not kept."""
    file = job.work / RECORD
    if not file.is_file():
        return None
    told = json.loads(file.read_text(encoding="utf-8"))
    return Record(*(told[name] for name in Record._fields))  # records of earlier runs told more


def make_trainer(arguments: dict[str, Any], callbacks: list[Callback], loggers: list[Logger]) -> Trainer:
    """A Trainer that neither draws bars nor prints summaries; configured callbacks come first."""
    configured = arguments.get("callbacks") or []
    configured = configured if isinstance(configured, list) else [configured]
    return Trainer(
        **{
            **arguments,
            "callbacks": [*configured, *callbacks],
            "logger": loggers or False,
            "enable_progress_bar": False,
            "enable_model_summary": False,
        }
    )


@contextmanager
def _interruptible(trainer: Trainer) -> Iterator[None]:
    """Let Ctrl+C come out as itself: Lightning turns it into exit code 1 and leaves further ones ignored."""
    try:
        yield
    except SystemExit:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.default_int_handler)
        if trainer.interrupted:
            raise KeyboardInterrupt from None
        raise


def _resume_point(job: Job, display: Display) -> str | None:
    point = resume_point(job.work, display.notice)
    return None if point is None else str(point)


def _write_record(job: Job, record: Record) -> None:
    atomic.write_text(job.work / RECORD, json.dumps(record._asdict(), indent=2))


def _forget(work: Path) -> None:
    """Delete checkpoints and whatever else a module kept for a resume; the record stays."""
    for entry in work.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        elif entry.name != RECORD:
            entry.unlink()


def _figures(trainer: Trainer) -> dict[str, float]:
    return {name: float(value) for name, value in trainer.callback_metrics.items()}
