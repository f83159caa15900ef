"""`userip fit` and `userip test`: the stages in order, each skipped where its artifact is whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from userip_lightning import artifact
from userip_lightning.errors import InputError
from userip_lightning.pipeline.banks import write_control
from userip_lightning.pipeline.config import Experiment, prepare
from userip_lightning.pipeline.labels import data_labels
from userip_lightning.pipeline.plan import Job, Place, Plan, make_plan
from userip_lightning.pipeline.progress import Display
from userip_lightning.pipeline.results import RESULTS, write_results
from userip_lightning.pipeline.settings import StageName
from userip_lightning.pipeline.training import RECORD, evaluate, is_done, train
from userip_lightning.pipeline.usage import Usage, release_memory
from userip_lightning.report.table import Report

CONFIG = "config.yaml"


def fit(experiment: Experiment, display: Display) -> Report | None:
    """Go through the chosen stages; what is done already is not done again.

    Args:
        experiment: the configuration.
        display: shows how far it is.

    Returns:
        The closing report, None where the report stage was not chosen.

    Raises:
        InputError: whatever a stage refuses, or a stage that was not chosen is missing below a chosen one.
        KeyboardInterrupt: interrupted; the same call resumes.
    """
    plan, prepare = _prepare(experiment, display)
    stages = experiment.stages
    trained = [job for job in (*plan.profiles, *plan.quantize, *plan.ctr) if job.stage.name in stages]
    display.expect(len(trained))
    for job in (*plan.profiles, *plan.quantize):
        if job.stage.name in stages:
            _run(job, experiment, plan, display)
        elif _needed(job, stages):
            _require(job)
    if "ctr" in stages:
        for bank in plan.controls:
            write_control(bank, plan.place.prepared)
        for job in plan.ctr:
            _run(job, experiment, plan, display)
    return _report(experiment, plan, prepare, display) if "report" in stages else None


def test(experiment: Experiment, display: Display) -> Report:
    """Evaluate the CTR runs of a finished experiment again, without training anything.

    Raises:
        InputError: a run is not finished.
    """
    plan, prepare = _prepare(experiment, display)
    display.expect(len(plan.ctr))
    for job in plan.ctr:
        evaluate(job, display)
    return _report(experiment, plan, prepare, display)


def _report(experiment: Experiment, plan: Plan, prepare: dict[str, Any], display: Display) -> Report:
    report = write_results(experiment, plan, prepare)
    display.notice(f"report: all figures are in {plan.place.root / RESULTS}")
    return report


def _prepare(experiment: Experiment, display: Display) -> tuple[Plan, dict[str, Any]]:
    """Prepare the data (a look-up where it is in the cache) and plan the runs on it."""
    with Usage() as usage:
        prepared = prepare(experiment, display.notice)
    data_hash = artifact.read_manifest(prepared, "prepared").config_hash
    plan = make_plan(experiment, prepared, data_hash)
    try:
        plan.place.root.mkdir(parents=True, exist_ok=True)
        artifact.write_text(plan.place.root / CONFIG, experiment.merged)
    except OSError as error:
        raise InputError(
            f"{plan.place.root}: cannot be written ({error.strerror}); choose another --output."
        ) from None
    return plan, _first_record(plan.place, {"wall_s": usage.wall_s, "peak_rss": usage.peak_rss})


def _first_record(place: Place, measured: dict[str, Any]) -> dict[str, Any]:
    """What preparing cost when this experiment first did it; later it is only a look-up."""
    file = place.root / "work" / place.prepared.name / RECORD
    if file.is_file():
        return dict(json.loads(file.read_text(encoding="utf-8")))
    file.parent.mkdir(parents=True, exist_ok=True)
    artifact.write_text(file, json.dumps(measured))
    return measured


def _run(job: Job, experiment: Experiment, plan: Plan, display: Display) -> None:
    if is_done(job):
        display.finish(f"{job.label}: nothing changed, kept")
        return
    display.start(job.label)
    record = train(job, experiment.settings, plan.place.root, display, data_labels(experiment.data))
    release_memory()
    display.finish(f"{job.label}: done in {record.wall_s:.1f} s, {record.peak_rss / 2**20:,.0f} MiB at most")


def _needed(job: Job, stages: tuple[StageName, ...]) -> bool:
    """Whether a later stage was chosen that reads this one's artifact."""
    below = {"profile": {"quantize"}, "quantize": {"ctr"}}
    return bool(below[job.stage.name] & set(stages))


def _require(job: Job) -> None:
    if not is_done(job):
        raise InputError(
            f"{Path(job.target)}: the {job.stage.name} stage was not run with this configuration; "
            f"add {job.stage.name} to --stages."
        )
