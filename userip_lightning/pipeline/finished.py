"""What a finished experiment has left, for commands that go on from it."""

from __future__ import annotations

import json
from argparse import ArgumentError
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import yaml

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
from userip_lightning.pipeline.earlier_artifacts import read_recorded, with_recorded
from userip_lightning.pipeline.failures import sentence
from userip_lightning.pipeline.plan import Job, Plan, make_plan
from userip_lightning.pipeline.run import CONFIG
from userip_lightning.pipeline.settings import ENGINES
from userip_lightning.pipeline.training import is_done


class Finished(NamedTuple):
    """An experiment whose codes are made.

    Args:
        plan: its runs.
        prepared: folder of its prepared data.
        labels: what it calls liked.
        codes: the run that made the codes.
    """

    plan: Plan
    prepared: Path
    labels: Labels
    codes: Job


def opened(folder: Path, command: str) -> Experiment:
    """The configuration of an experiment; nothing of it is run or prepared.

    Args:
        folder: the experiment's.
        command: that asks.

    Raises:
        InputError: no experiment there, or its configuration cannot be used.
    """
    file = folder / CONFIG
    if not file.is_file():
        raise InputError(
            f"{folder}: no experiment here ({CONFIG} is missing); name the folder that `userip fit` wrote "
            "into, such as runs/demo."
        )
    root = folder.resolve()
    words = ["--config", _of_its_engine(file), "--output", str(root.parent), "--experiment", root.name]
    try:
        return parse_experiment(experiment_parser(command, ""), words)
    except ArgumentError as error:
        raise InputError(f"{file}: {sentence(error)}") from None


def _of_its_engine(file: Path) -> str:
    """The configuration as JSON, without the stages of the other engine: an earlier version may have had
    other settings there. Whatever is no mapping is left to the parser.
    """
    try:
        written = yaml.safe_load(file.read_text(encoding="utf-8"))
        others = [name for engine, names in ENGINES.items() if engine != written["engine"] for name in names]
        return json.dumps({name: value for name, value in written.items() if name not in others})
    except (OSError, ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError):
        return str(file)


def chosen_seed(experiment: Experiment, seed: int | None) -> int:
    """Whose codes are meant; those of the first seed where None.

    Raises:
        InputError: the experiment has no such seed.
    """
    seeds = experiment.settings.seeds
    if seed is not None and seed not in seeds:
        raise InputError(
            f"--seed: {seed}, but the experiment has codes of the seeds {seeds}; choose one of them."
        )
    return seeds[0] if seed is None else seed


def finished(
    experiment: Experiment, folder: Path, seed: int, report: Callable[[str], None], reads_data: bool = True
) -> Finished:
    """Find the codes of an experiment, also those that another version of the program has made.

    Args:
        experiment: its configuration.
        folder: the experiment's.
        seed: whose codes.
        report: is told what is prepared, and what another version has made.
        reads_data: whether the prepared data are needed; else their folder may be missing where the
            experiment's report names it.

    Raises:
        InputError: its data are missing, or its codes are not made.
    """
    taken: list[str] = []
    plan = _plan(experiment, folder, report, reads_data, taken)
    (codes,) = (job for job in plan.quantize if job.seed == seed)
    if not is_done(codes):
        below = "profile,quantize" if plan.profiles else codes.stage.name
        raise InputError(
            f"{folder}: {codes.label} is not there with this configuration and this version of the program; "
            f"run `userip fit --config {folder / CONFIG} --stages {below}` first."
        )
    for told in taken:
        report(told)
    return Finished(plan, plan.place.prepared, preparation(experiment, report).labels, codes)


def _plan(
    experiment: Experiment, folder: Path, report: Callable[[str], None], reads_data: bool, taken: list[str]
) -> Plan:
    """The runs; ``taken`` gets what is to be said where they are those of another version."""
    recorded = read_recorded(folder, (folder / CONFIG).read_text(encoding="utf-8"))
    if recorded is not None and (recorded.prepared.exists() or not reads_data):
        plan = make_plan(experiment, recorded.prepared, recorded.data_hash)
        return with_recorded(plan, recorded, taken.append)
    prepared = prepare(experiment, report)
    return make_plan(experiment, prepared, read_manifest(prepared, "prepared").config_hash)
