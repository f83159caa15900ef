"""All regimes of a study, one after the other; what is done is not done again, what fails stops nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from userip_lightning.artifact import stable_hash
from userip_lightning.atomic import write_text
from userip_lightning.data.prepared import PreparedData
from userip_lightning.lock import sole_writer
from userip_lightning.pipeline.code_version import code_hash
from userip_lightning.pipeline.config import Experiment
from userip_lightning.pipeline.settings import Settings
from userip_lightning.report import regime as regime_report
from userip_lightning.report.regime import Finding, judge_regime
from userip_lightning.report.regimes import Judged, write_regimes
from userip_lightning.report.sheet import Sheet
from userip_lightning.reproduce.case import refuse_processes
from userip_lightning.reproduce.regimes import judges
from userip_lightning.reproduce.regimes.display import RegimesDisplay
from userip_lightning.reproduce.regimes.grid import Regime, grid
from userip_lightning.reproduce.regimes.methods import Methods
from userip_lightning.reproduce.regimes.settings import Regimes, check
from userip_lightning.reproduce.row_task import Outcome
from userip_lightning.reproduce.train_row import guarded
from userip_lightning.schema import TRAIN

FINDING, REPORT = "finding.json", "report"
_JUDGES = {
    "affinity": "Judged by affinity: how well code and item tell the labels, without a CTR model.",
    "ctr": "Judged by the CTR model that is configured, trained anew for every method and seed.",
}


class Plan(NamedTuple):
    """A study of regimes.

    Args:
        settings: of the experiment that all regimes are versions of.
        regimes: what is varied.
        texts: label to the JSON value of each source of text.
        experiment: gives the experiment with these settings on top.
    """

    settings: Settings
    regimes: Regimes
    texts: Mapping[str, object]
    experiment: Callable[[Mapping[str, object]], Experiment]


class Finished(NamedTuple):
    """The report's folder and summary, and the regimes that failed."""

    folder: Path
    summary: Sheet
    regimes: int
    failed: tuple[str, ...]


def reproduce_regimes(plan: Plan, display: RegimesDisplay) -> Finished:
    """Run what is not done yet, and report.

    Raises:
        InputError: settings that cannot be used, a folder that cannot be written, or that another process
            writes into.
        KeyboardInterrupt: interrupted; the same call resumes.
    """
    settings, regimes = plan.settings, plan.regimes
    check(regimes, settings.controls)
    refuse_processes(plan.experiment({}), settings.experiment)
    root = Path(settings.output) / settings.experiment
    with sole_writer(root, "study"):
        return _reproduce(plan, root, display)


def _reproduce(plan: Plan, root: Path, display: RegimesDisplay) -> Finished:
    settings, regimes = plan.settings, plan.regimes
    versions = grid(regimes)
    display.count(len(versions))
    judged = [_judged(plan, one, root, display) for one in versions]
    said = {
        "judge": regimes.judge,
        "seeds": settings.seeds,
        "controls": settings.controls,
        "texts": dict(plan.texts),
    }
    summary = write_regimes(root / REPORT, judged, settings.experiment, [_JUDGES[regimes.judge]], said)
    failed = tuple(one.name for one in judged if one.failed is not None)
    return Finished(root / REPORT, summary, len(judged), failed)


def _judged(plan: Plan, regime: Regime, root: Path, display: RegimesDisplay) -> Judged:
    made: list[tuple[int, Finding]] = []

    def work() -> Outcome:
        made.append(_run(plan, regime, root, display))
        return Outcome()

    outcome = guarded(work, regime.name, root)
    if not made:
        display.ended(f"{regime.name}: failed: {outcome.failed}")
        return Judged(regime.name, regime.cold, regime.label, regime.axes, None, outcome.failed)
    users, finding = made[0]
    display.ended(f"{regime.name}: {finding.sentence}")
    return Judged(
        regime.name, regime.cold, regime.label, {"train_users": users, **regime.axes}, finding, None
    )


def _run(plan: Plan, regime: Regime, root: Path, display: RegimesDisplay) -> tuple[int, Finding]:
    """Training users and finding, from its file where nothing that decides it has changed."""
    place = {"output": str(root), "experiment": regime.name}
    experiment = plan.experiment({**place, **regime.overrides(plan.settings.profiles)})
    methods = Methods(experiment, plan.regimes, plan.texts, display)
    key = _key(plan.regimes, methods.key)
    file = root / regime.name / FINDING
    kept = _kept(file, key)
    if kept is not None:
        return kept
    methods.run()
    with display.running(f"{regime.name}: judging"):
        prepared = PreparedData.load(methods.prepared)
        if plan.regimes.judge == "ctr":
            contenders = judges.by_ctr(methods.all(), prepared)
        else:
            contenders = judges.by_affinity(methods.all(), prepared, regime.split == "cold_items")
        finding = judge_regime(contenders, plan.regimes.replicates)
    users = prepared.rows(TRAIN)["user"].n_unique()
    display.finish(f"{regime.name}: judged")
    record = {"key": key, "train_users": users, "finding": finding._asdict()}
    write_text(file, json.dumps(record, indent=1, ensure_ascii=False))
    return users, finding


def _key(regimes: Regimes, methods: str) -> str:
    labels = {name: text.reads for name, text in regimes.texts.items()}
    code = code_hash([judges.__name__, regime_report.__name__])
    return stable_hash([methods, labels, regimes.judge, regimes.replicates, code])


def _kept(file: Path, key: str) -> tuple[int, Finding] | None:
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return (record["train_users"], Finding(**record["finding"])) if record["key"] == key else None
