"""What makes the codes of a case, and the banks of its controls; what is there is kept."""

from __future__ import annotations

from collections.abc import Iterable

from userip_lightning.errors import InputError, Unavailable
from userip_lightning.pipeline.banks import write_control
from userip_lightning.pipeline.plan import Job, Plan
from userip_lightning.pipeline.training import is_done, train
from userip_lightning.pipeline.usage import released_memory
from userip_lightning.reproduce.case import Case
from userip_lightning.reproduce.progress import StudyDisplay
from userip_lightning.reproduce.row import Row
from userip_lightning.reproduce.row_task import Outcome
from userip_lightning.reproduce.train_row import guarded


class Inference:
    """What has to be inferred before rows of a case can read it.

    Args:
        case: the case.
        plan: its runs.
        row: any of the rows, for their dataset, split and label of further codes.
        display: shows how far it is.
    """

    def __init__(self, case: Case, plan: Plan, row: Row, display: StudyDisplay) -> None:
        self.case = case
        self.plan = plan
        self.display = display
        self.found_by = {"dataset": row.dataset, "split": row.split}
        self.name = " / ".join(row.case)
        if row.codes is not None:
            self.found_by["method"] = row.codes
            self.name += f" / {row.codes}"

    def profiles(self) -> Outcome:
        """Stage 1. What it refuses, a language model out of reach above all, was not run; else it failed."""
        return self._stage("stage 1", self.plan.profiles, InputError)

    def codes(self) -> Outcome:
        """Stage 2, or the catalogue engine. A model out of reach was not run; else it failed."""
        return self._stage("codes", self.plan.quantize, Unavailable)

    def _stage(self, name: str, jobs: Iterable[Job], unavailable: type[InputError]) -> Outcome:
        def work() -> Outcome:
            self._run(jobs)
            return Outcome()

        return guarded(work, f"{self.name} / {name}", self.case.place.root, unavailable)

    def control(self, row: Row) -> Outcome:
        """The banks that a control's row reads."""

        def work() -> Outcome:
            for bank in self.plan.controls:
                if bank.control == row.reads:
                    write_control(bank, self.case.place.prepared)
            self._run(job for job in self.plan.retrained if job.variant == row.reads)
            return Outcome()

        return guarded(work, row.label, self.case.place.root)

    def _run(self, jobs: Iterable[Job]) -> None:
        for job in jobs:
            name = f"{self.name} / {job.label}"
            if is_done(job):
                self.display.notice(f"{name}: nothing changed, kept")
                continue
            settings = self.case.experiment.settings
            with self.display.running(name), released_memory():
                record = train(job, settings, self.case.place.root, self.display, self.found_by)
            self.display.finish(f"{name}: done in {record.wall_s:.1f} s")
