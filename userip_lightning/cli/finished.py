"""What a finished experiment has left, for commands that go on from it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from userip_lightning.artifact import read_manifest
from userip_lightning.data.labels import Labels
from userip_lightning.errors import InputError
from userip_lightning.pipeline.config import (
    Experiment,
    experiment_parser,
    parse_experiment,
    preparation,
    prepare,
)
from userip_lightning.pipeline.plan import Job, Plan, make_plan
from userip_lightning.pipeline.run import CONFIG
from userip_lightning.pipeline.training import is_done


class Finished(NamedTuple):
    """An experiment whose codes are made.

    Args:
        experiment: its configuration.
        plan: its runs.
        prepared: folder of its prepared data.
        labels: what it calls liked.
        codes: the run that made the codes.
    """

    experiment: Experiment
    plan: Plan
    prepared: Path
    labels: Labels
    codes: Job


def finished(folder: Path, seed: int | None, command: str, report: Callable[[str], None]) -> Finished:
    """Find the codes of an experiment.

    Args:
        folder: the experiment's.
        seed: whose codes; those of the first one where None.
        command: that asks.
        report: is told what is prepared.

    Raises:
        InputError: no experiment there, it has no such seed, or its codes are not made.
    """
    file = folder / CONFIG
    if not file.is_file():
        raise InputError(
            f"{folder}: no experiment here ({CONFIG} is missing); name the folder that `userip fit` wrote "
            "into, such as runs/demo."
        )
    root = folder.resolve()
    words = ["--config", str(file), "--output", str(root.parent), "--experiment", root.name]
    experiment = parse_experiment(experiment_parser(command, ""), words)
    prepared = prepare(experiment, report)
    plan = make_plan(experiment, prepared, read_manifest(prepared, "prepared").config_hash)
    seeds = [job.seed for job in plan.quantize]
    if seed is not None and seed not in seeds:
        raise InputError(
            f"--seed: {seed}, but the experiment has codes of the seeds {seeds}; choose one of them."
        )
    codes = plan.quantize[0 if seed is None else seeds.index(seed)]
    if not is_done(codes):
        below = "profile,quantize" if plan.profiles else codes.stage.name
        raise InputError(
            f"{folder}: {codes.label} is not there with this configuration and this version of the program; "
            f"run `userip fit --config {file} --stages {below}` first."
        )
    return Finished(experiment, plan, prepared, preparation(experiment, report).labels, codes)
