"""Which row is trained when: as soon as what it reads is there.

Rows without codes go to the pool at once. While they are trained, this process infers profiles and codes on
what cores are left, and sends the other rows after them; then it asks the language models of the baselines.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from itertools import cycle, islice

from userip_lightning.bank import FeatureBank
from userip_lightning.errors import InputError
from userip_lightning.pipeline.config import Experiment
from userip_lightning.pipeline.plan import Job, Plan, Source
from userip_lightning.reproduce.baseline_note import note
from userip_lightning.reproduce.baseline_run import BaselineRun
from userip_lightning.reproduce.case import Case, ctr_experiment, open_case
from userip_lightning.reproduce.inference import Inference
from userip_lightning.reproduce.pool import Pool
from userip_lightning.reproduce.popularity import popularity
from userip_lightning.reproduce.progress import StudyDisplay
from userip_lightning.reproduce.row import Grown, Row
from userip_lightning.reproduce.row_task import Outcome, Task
from userip_lightning.reproduce.settings import Tuning
from userip_lightning.reproduce.train_row import guarded

Sources = Sequence[Source | None]


class Schedule:
    """The rows of a study on their way through the pool.

    Args:
        pool: trains rows.
        tuning: what every trained row gets.
        display: is told when rows end that need no training.
    """

    def __init__(self, pool: Pool, tuning: Tuning, display: StudyDisplay) -> None:
        self.pool = pool
        self.tuning = tuning
        self.display = display
        #: Profile of a case to the number of users of each code, with the first seed.
        self.usage: dict[str, list[int]] = {}
        #: Row to how it was trained, for those that the pool has trained.
        self.tasks: dict[str, Task] = {}
        self._ended: dict[str, Future[Outcome]] = {}
        #: Row to what a reader has to know about it, where its outcome does not say so.
        self._notes: dict[str, str] = {}

    def open(
        self, experiment: Experiment, further: Mapping[str, Experiment], rows: Sequence[Row]
    ) -> Case | None:
        """Prepare the data below the rows of a case, and start those that need no codes.

        Args:
            experiment: of the case.
            further: label of further codes to the experiment that makes them.
            rows: of the case.

        Returns:
            The case; None where its data cannot be had, and the rows are settled.
        """
        for row in rows:
            if row.not_run is not None:
                self._settle([row], Outcome(not_run=row.not_run))
        wanted = [row for row in rows if row.not_run is None]
        try:
            case = open_case(experiment, further, self.display.notice)
        except InputError as error:
            self._settle(wanted, Outcome(not_run=str(error)))
            return None
        for row in wanted:
            if row.baseline is None and row.net is None:
                self._settle([row], _popularity(row, case))
            elif row.baseline is None and row.reads == "none":
                self._train(row, case)
        return case

    def infer(self, case: Case, rows: Iterable[Row]) -> None:
        """Make codes or profiles for those rows of a case that read them, and start these rows."""
        reading = [
            row for row in rows if row.not_run is None and row.baseline is None and row.reads != "none"
        ]
        by_codes: dict[tuple[str | None, Grown], list[Row]] = {}
        for row in reading:
            by_codes.setdefault((row.codes, row.grown), []).append(row)
        for readers in by_codes.values():
            self._infer(case, readers)

    def ask(self, case: Case, rows: Iterable[Row]) -> None:
        """Let language models write or score for the baselines of a case; who writes comes first."""
        asking = [row for row in rows if row.not_run is None and row.baseline is not None]
        for row in sorted(asking, key=lambda row: row.reads == "none"):
            run = BaselineRun(case, row, self.display, self.pool.share_cores)
            if row.reads == "none":
                with self.pool.beside():
                    scored = run.score()
                self._settle([row], scored)
                continue
            with self.pool.beside():
                written = run.write()
            if isinstance(written, Outcome):
                self._settle([row], written)
            else:
                self._notes[row.label] = note(run.baseline, written.folder)
                self._train(row, case, knowledge=written)

    def outcome(self, row: Row) -> Outcome:
        """Wait for a row; what came of it."""
        outcome = self._ended[row.label].result()
        said = self._notes.get(row.label)
        return outcome if said is None or not outcome.ready else outcome._replace(note=said)

    def _infer(self, case: Case, rows: list[Row]) -> None:
        """Start rows that read the same codes, or profiles behind them."""
        try:
            plan = case.plan(rows[0].grown, rows[0].codes)
        except InputError as error:
            self._settle(rows, Outcome(failed=str(error)))
            return
        inference = Inference(case, plan, rows[0], self.display)
        with self.pool.beside():
            profiled = inference.profiles()
        if not profiled.ready:
            self._settle(rows, profiled)
            return
        for row in rows:
            if row.reads == "z":
                turns = islice(cycle(plan.profiles), len(plan.quantize))
                self._train(row, case, profiles=_sources(turns))
        readers = [row for row in rows if row.reads != "z"]
        with self.pool.beside():
            quantized = inference.codes() if readers else Outcome()
        if not quantized.ready:
            self._settle(readers, quantized)
            return
        for row in readers:
            if row.reads == "codes":
                self._train(row, case, banks=_sources(plan.quantize))
            elif row.reads in plan.left_out:
                self._settle([row], Outcome(not_run=plan.left_out[row.reads], left_out=True))
            else:
                self._control(row, case, plan, inference)
        if readers:
            self._count(inference.name, plan)

    def _control(self, row: Row, case: Case, plan: Plan, inference: Inference) -> None:
        with self.pool.beside():
            written = inference.control(row)
        if written.ready:
            self._train(row, case, banks=plan.banks(row.reads))
        else:
            self._settle([row], written)

    def _count(self, name: str, plan: Plan) -> None:
        for profile, counts in FeatureBank.open(plan.quantize[0].target).info().counts.items():
            self.usage[f"{name} / {profile}, {len(counts)} codes"] = list(counts)

    def _train(
        self,
        row: Row,
        case: Case,
        banks: Sources = (),
        profiles: Sources = (),
        knowledge: Source | None = None,
    ) -> None:
        seeds = len(case.experiment.settings.seeds)
        task = Task(
            row.label,
            ctr_experiment(case.experiment, row),
            case.place,
            row.reads,
            tuple(banks) or (None,) * seeds,
            tuple(profiles) or (None,) * seeds,
            knowledge,
            self.tuning,
            {"dataset": row.dataset, "split": row.split, "fields": row.fields, "method": row.method},
        )
        self.tasks[row.label] = task
        self._ended[row.label] = self.pool.train(task)

    def _settle(self, rows: Iterable[Row], outcome: Outcome) -> None:
        """End rows that need no training, or cannot have it."""
        for row in rows:
            ended: Future[Outcome] = Future()
            ended.set_result(outcome)
            self._ended[row.label] = ended
            self.display.row_ended(row.label, outcome)


def _popularity(row: Row, case: Case) -> Outcome:
    seeds = len(case.experiment.settings.seeds)
    return guarded(lambda: popularity(case.place, seeds), row.label, case.place.root)


def _sources(made: Iterable[Job]) -> list[Source]:
    return [Source(each.key, each.target) for each in made]
