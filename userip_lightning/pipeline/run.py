"""`userip fit` and `userip test`: the stages in order, each skipped where its artifact is whole.

Several processes go through the same lines. The first one decides what has to be done and does what only one
can do (``World.first``); the others help where a Trainer asks for them.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import TypedDict

from userip_lightning import artifact, atomic
from userip_lightning.errors import InputError
from userip_lightning.lock import sole_writer
from userip_lightning.pipeline.banks import write_control
from userip_lightning.pipeline.changed_settings import changed_settings
from userip_lightning.pipeline.config import Experiment, prepare
from userip_lightning.pipeline.earlier_artifacts import RESULTS, Recorded, read_recorded, with_recorded
from userip_lightning.pipeline.plan import Job, Place, Plan, experiment_root, make_plan
from userip_lightning.pipeline.process_group import World
from userip_lightning.pipeline.progress import Display
from userip_lightning.pipeline.results import write_results
from userip_lightning.pipeline.run_labels import data_labels
from userip_lightning.pipeline.settings import StageName
from userip_lightning.pipeline.side_by_side import Run, train_side_by_side
from userip_lightning.pipeline.training import RECORD, evaluate, is_done, share, train
from userip_lightning.pipeline.usage import Usage, released_memory
from userip_lightning.progress_bars import piece
from userip_lightning.report.sheet import Sheet

CONFIG = "config.yaml"
#: Changed settings that are named.
_TOLD = 5


class _Prepared(TypedDict):
    """Where prepared data lie, and what that cost now: wall time and memory."""

    prepared: str
    cost: dict[str, object]


def fit(experiment: Experiment, display: Display, world: World) -> tuple[Sheet, ...] | None:
    """Go through the chosen stages; what is done already is not done again.

    Args:
        experiment: the configuration.
        display: shows how far it is.
        world: the processes that go through it.

    Returns:
        The closing report of the first process; None where the report stage was not chosen.

    Raises:
        InputError: whatever a stage refuses, a stage that was not chosen is missing below a chosen one, or
            another process is fitting this experiment.
        KeyboardInterrupt: interrupted; the same call resumes.
    """
    with ExitStack() as until_done:
        plan, prepare = _prepare(experiment, display, world, until_done)
        return _fit(experiment, plan, prepare, display, world)


def _fit(
    experiment: Experiment, plan: Plan, prepare: dict[str, object], display: Display, world: World
) -> tuple[Sheet, ...] | None:
    stages = experiment.stages
    trained = [job for job in (*plan.codes, *plan.ctr) if job.stage.name in stages]
    display.expect(len(trained))
    for job in plan.codes:
        if job.stage.name in stages:
            _run(job, experiment, plan, display, world)
        elif _needed(job, stages):
            _require(job)
    if "ctr" in stages:
        world.first(lambda: _write_controls(plan))
        _run_ctr(experiment, plan, display, world)
    if world.rank:
        return None
    _keep_configuration(experiment, plan.place)
    return _report(experiment, plan, prepare, display) if "report" in stages else None


def test(experiment: Experiment, display: Display, world: World) -> tuple[Sheet, ...] | None:
    """Evaluate the CTR runs of a finished experiment again, without training anything.

    Raises:
        InputError: a run is not finished, or another process is fitting this experiment.
    """
    recorded = read_recorded(experiment_root(experiment.settings), experiment.merged)
    with ExitStack() as until_done:
        plan, prepare = _prepare(experiment, display, world, until_done, recorded)
        if recorded is not None and plan.place.data_hash == recorded.data_hash:
            plan = with_recorded(plan, recorded, display.notice)
        display.expect(len(plan.ctr))
        for job in plan.ctr:
            share(job, world, lambda job, _: evaluate(job, display))
        if world.rank:
            return None
        _keep_configuration(experiment, plan.place)
        return _report(experiment, plan, prepare, display)


def _write_controls(plan: Plan) -> None:
    with piece("control codes") as shown:
        for done, bank in enumerate(plan.controls):
            shown.at(done, len(plan.controls), bank.label)
            write_control(bank, plan.place.prepared)


def _report(
    experiment: Experiment, plan: Plan, prepare: dict[str, object], display: Display
) -> tuple[Sheet, ...]:
    with piece("report"):
        sheets = write_results(experiment, plan, prepare)
    display.notice(f"report: all figures are in {plan.place.root / RESULTS}")
    return sheets


def _prepare(
    experiment: Experiment,
    display: Display,
    world: World,
    until_done: ExitStack,
    recorded: Recorded | None = None,
) -> tuple[Plan, dict[str, object]]:
    """Prepare the data (a look-up where it is in the cache) and plan the runs on it, or on what is recorded.

    From then on no other command writes into the experiment's folder, until ``until_done`` is closed.
    """

    def once() -> _Prepared:
        with Usage() as usage:
            known = None if recorded is None or not recorded.prepared.exists() else recorded.prepared
            prepared = known or prepare(experiment, display.notice)
        return {"prepared": str(prepared), "cost": {"wall_s": usage.wall_s, "peak_rss": usage.peak_rss}}

    found = world.first(once)
    prepared = Path(found["prepared"])
    plan = make_plan(experiment, prepared, artifact.read_manifest(prepared, "prepared").config_hash)
    return plan, world.first(lambda: _settle(experiment, plan.place, found["cost"], display, until_done))


def _settle(
    experiment: Experiment, place: Place, measured: dict[str, object], display: Display, until_done: ExitStack
) -> dict[str, object]:
    """Make the experiment's folder and keep others from writing there; returns what preparing cost."""
    try:
        place.root.mkdir(parents=True, exist_ok=True)
        until_done.enter_context(sole_writer(place.root, "experiment"))
        if (place.root / CONFIG).is_file():
            _tell_changes(experiment, place, display)
        else:
            _keep_configuration(experiment, place)
    except OSError as error:
        raise InputError(
            f"{place.root}: cannot be written ({error.strerror}); choose another --output."
        ) from None
    return _first_record(place, measured)


def _keep_configuration(experiment: Experiment, place: Place) -> None:
    """Write the configuration into the experiment's folder, for commands that go on from there.

    One that is there stays until the stages are done: what lies beside it was made with it.
    """
    atomic.write_text(place.root / CONFIG, experiment.written)


def _tell_changes(experiment: Experiment, place: Place, display: Display) -> None:
    before = (place.root / CONFIG).read_text(encoding="utf-8", errors="replace")
    changed = changed_settings(before, experiment.written)
    if changed:
        more = f" and {len(changed) - _TOLD} more" if len(changed) > _TOLD else ""
        display.notice(
            f"{place.root}: other settings than before ({', '.join(changed[:_TOLD])}{more}); what is made "
            "with them takes the place of the report at the end. Another `experiment` keeps both."
        )


def _first_record(place: Place, measured: dict[str, object]) -> dict[str, object]:
    """What preparing cost when this experiment first did it; later it is only a look-up."""
    file = place.root / "work" / place.prepared.name / RECORD
    if file.is_file():
        return dict(json.loads(file.read_text(encoding="utf-8")))
    file.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_text(file, json.dumps(measured))
    return measured


def _run_ctr(experiment: Experiment, plan: Plan, display: Display, world: World) -> None:
    settings = experiment.settings
    if settings.workers == 1:
        for job in plan.ctr:
            _run(job, experiment, plan, display, world)
        return
    labels = data_labels(experiment.data)
    runs = [Run(job, settings, plan.place.root, labels) for job in plan.ctr]
    world.first(lambda: train_side_by_side(runs, settings.workers, display))


def _run(job: Job, experiment: Experiment, plan: Plan, display: Display, world: World) -> None:
    if world.first(lambda: is_done(job)):
        display.keep(job.label)
        return

    def run(job: Job, world: World) -> None:
        labels = data_labels(experiment.data)
        with released_memory():
            record = train(job, experiment.settings, plan.place.root, display, labels, world)
        cost = f"{record.wall_s:.1f} s, {record.peak_rss / 2**20:,.0f} MiB at most"
        display.finish(f"{job.label}: done in {cost}")

    with display.running(job.label):
        share(job, world, run)


def _needed(job: Job, stages: tuple[StageName, ...]) -> bool:
    """Whether a later stage was chosen that reads this one's artifact."""
    below = {"profile": {"quantize"}, "quantize": {"ctr"}, "catalogue": {"ctr"}}
    return bool(below[job.stage.name] & set(stages))


def _require(job: Job) -> None:
    if not is_done(job):
        raise InputError(
            f"{Path(job.target)}: the {job.stage.name} stage was not run with this configuration; "
            f"add {job.stage.name} to --stages."
        )
