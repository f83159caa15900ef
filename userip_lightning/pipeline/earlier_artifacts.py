"""Runs of another version of the program, found by what the experiment's report says was made.

The code takes part in the names of artifacts (``pipeline/plan.py``), so the version that reads an experiment
may not be able to name what another one trained. ``results.json`` names every artifact. Commands that go on
from an experiment and train nothing go by it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from userip_lightning.artifact import stable_hash
from userip_lightning.assets import cache_root
from userip_lightning.pipeline.config import settings_hash
from userip_lightning.pipeline.plan import ControlBank, Job, Plan, Source

#: Of an experiment's folder.
RESULTS = "results.json"


class Recorded(NamedTuple):
    """What a report names.

    Args:
        root: the experiment's folder.
        version: of the program that wrote it.
        data_hash: of the prepared data.
        artifacts: label of a run or control to its folder, relative to ``root``.
    """

    root: Path
    version: str
    data_hash: str
    artifacts: dict[str, str]

    @property
    def prepared(self) -> Path:
        """Where the cache has, or had, the prepared data."""
        return cache_root() / f"prepared-{self.data_hash}"

    def source(self, label: str, there: Path) -> Source | None:
        """The artifact of a run that is not ``there``; None where the report names none that exists."""
        folder = self.root / self.artifacts.get(label, "")
        if there.exists() or label not in self.artifacts or not folder.exists():
            return None
        return Source(folder.name.rpartition("-")[2], folder)


def read_recorded(root: Path, written: str) -> Recorded | None:
    """What the report of an experiment names; None where there is no report of this configuration.

    Args:
        root: the experiment's folder.
        written: the configuration as YAML.
    """
    try:
        told: dict[str, Any] = json.loads((root / RESULTS).read_text(encoding="utf-8"))
        if told["config_hash"] not in (settings_hash(written), stable_hash(written)):  # first of its text
            return None
        runs = {str(run["label"]): str(run["artifact"]) for run in told["runs"]}
        version, data_hash = str(told["versions"]["userip_lightning"]), str(told["data_hash"])
        return Recorded(root, version, data_hash, {**runs, **told.get("controls", {})})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # a report is no input of any run
        return None


def with_recorded(plan: Plan, recorded: Recorded, report: Callable[[str], None]) -> Plan:
    """The plan, with recorded artifacts for runs and controls that it does not find under its own names.

    Args:
        plan: the runs, named by this version.
        recorded: what another version made.
        report: is told, once, where anything is taken from there.
    """
    moved: dict[str, str] = {}

    def job(own: Job) -> Job:
        found = recorded.source(own.label, own.target)
        filled = {key: moved.get(value, value) for key, value in own.filled.items()}
        if found is None:
            return own._replace(filled=filled)
        moved[str(own.target)] = str(found.folder)
        work = own.work.with_name(f"{own.stage.name}-{found.key}")
        return own._replace(filled=filled, key=found.key, target=found.folder, work=work)

    def bank(own: ControlBank) -> ControlBank:
        found = recorded.source(own.label, own.target)
        if found is None:
            return own
        moved[str(own.target)] = str(found.folder)
        return own._replace(key=found.key, target=found.folder)

    # in this order: what a run reads is moved before it
    profiles, quantize = (tuple(job(own) for own in jobs) for jobs in (plan.profiles, plan.quantize))
    banks, retrained = tuple(map(bank, plan.controls)), tuple(map(job, plan.retrained))
    made = plan._replace(
        profiles=profiles,
        quantize=quantize,
        controls=banks,
        retrained=retrained,
        ctr=tuple(map(job, plan.ctr)),
    )
    if moved:
        report(
            f"{recorded.root}: made by other code (version {recorded.version}); its artifacts are used as "
            "they are, `userip fit` makes them anew."
        )
    return made
