"""Every method of a regime as the pipeline runs it: codes of every source of text, and all controls.

The control ``permuted_text`` belongs to a source: each that reads text has a row of its own in which every
item has the text of another, drawn anew for each seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from userip_lightning.artifact import read_manifest, stable_hash
from userip_lightning.pipeline.banks import write_control
from userip_lightning.pipeline.config import Experiment, prepare
from userip_lightning.pipeline.engine_controls import PERMUTED_TEXT, RETRAINED
from userip_lightning.pipeline.plan import Job, Plan, make_plan
from userip_lightning.pipeline.process_group import World
from userip_lightning.pipeline.profiles import filled
from userip_lightning.pipeline.progress import Display
from userip_lightning.pipeline.run import fit
from userip_lightning.pipeline.settings import StageName
from userip_lightning.report.comparison import CODES, NO_CODES
from userip_lightning.report.regime import Group
from userip_lightning.reproduce.regimes.settings import WORDS, Regimes, of_other_items

REFERENCE = "no codes"


class Method(NamedTuple):
    """One way to code users, with a bank and a CTR run per seed.

    Args:
        name: unique in the regime.
        group: what its codes know of the items' texts.
        text: the run of the catalogue engine that reads this method's source of text; None for controls.
        banks: folders, in the order of the seeds; none for "no codes".
        runs: folders of its CTR artifacts.
    """

    name: str
    group: Group
    text: Job | None
    banks: tuple[Path, ...]
    runs: tuple[Path, ...]


class Methods:
    """All methods of a regime.

    Args:
        experiment: the regime's.
        regimes: with the sources of text, whose settings are ``texts``.
        texts: label to the JSON value of a source.
        display: is told what is prepared and run.

    Raises:
        InputError: the log is missing or cannot be used.
    """

    def __init__(
        self, experiment: Experiment, regimes: Regimes, texts: Mapping[str, object], display: Display
    ) -> None:
        self.prepared = prepare(experiment, display.notice)
        data_hash = read_manifest(self.prepared, "prepared").config_hash
        self._regimes, self._display = regimes, display
        # Other controls have the bits of the codes and nothing else of them, so one source's stand for all.
        own = [name for name in experiment.settings.controls if name in RETRAINED]
        alone = experiment._replace(settings=replace(experiment.settings, controls=own))
        self._experiments = {
            name: _with_text(alone if number else experiment, text)
            for number, (name, text) in enumerate(texts.items())
        }
        plans = {name: make_plan(one, self.prepared, data_hash) for name, one in self._experiments.items()}
        self._plans: dict[str, Plan] = plans

    @property
    def key(self) -> str:
        """Hash of whatever decides the codes, and the CTR runs where these judge."""
        plans = self._plans.values()
        banks = [job.key for plan in plans for job in (*plan.quantize, *plan.retrained)]
        controls = [bank.key for bank in self._first.controls]
        ctr = [job.key for plan in plans for job in plan.ctr] if self._regimes.judge == "ctr" else []
        return stable_hash([banks, controls, ctr])

    def run(self) -> None:
        """Make what is not there; CTR runs where these judge."""
        stages: tuple[StageName, ...] = ("prepare", "catalogue")
        if self._regimes.judge == "ctr":
            stages = (*stages, "ctr")
        for experiment in self._experiments.values():
            fit(experiment._replace(stages=stages), self._display, World())
        for bank in self._first.controls:  # those of CTR runs are there
            label = f"{bank.control}/seed{bank.seed}"
            with self._display.running(label):
                write_control(bank, self.prepared)
            self._display.finish(f"{label}: done")

    def all(self) -> list[Method]:
        """The methods; controls that know no text, or words alone, come first."""
        first = self._first
        found = [Method(REFERENCE, "no text", None, (), _runs(first, NO_CODES))]
        for control in dict.fromkeys(bank.control for bank in first.controls):
            banks = tuple(bank.target for bank in first.controls if bank.control == control)
            group: Group = "words" if control in WORDS else "no text"
            found.append(Method(control.replace("_", " "), group, None, banks, _runs(first, control)))
        for name, plan in self._plans.items():
            reads = self._regimes.texts[name].reads
            group = "no text" if reads == "nothing" else reads
            banks = tuple(job.target for job in plan.quantize)
            found.append(Method(name, group, plan.quantize[0], banks, _runs(plan, CODES)))
            if plan.retrained:
                banks, runs = tuple(job.target for job in plan.retrained), _runs(plan, PERMUTED_TEXT)
                found.append(Method(of_other_items(name), "permuted text", None, banks, runs))
        return found

    @property
    def _first(self) -> Plan:
        return next(iter(self._plans.values()))


def _runs(plan: Plan, variant: str) -> tuple[Path, ...]:
    return tuple(job.target for job in plan.ctr if job.variant == variant)


def _with_text(experiment: Experiment, text: object) -> Experiment:
    section = experiment.sections["catalogue"]
    data = {**section["data"], "text": text}
    sections = {**experiment.sections, "catalogue": {**section, "data": data}}
    return experiment._replace(sections=filled(sections, experiment.settings.profiles))
