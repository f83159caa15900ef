"""A language-model baseline of one case: what it writes, or its runs; what is there is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
from jsonargparse import ArgumentParser

from userip_lightning import parquet
from userip_lightning.artifact import SCHEMA_VERSION, read_manifest, stable_hash
from userip_lightning.ctr.export import METRICS, PREDICTIONS
from userip_lightning.errors import Unavailable
from userip_lightning.pipeline.code_version import code_hash
from userip_lightning.pipeline.local_paths import by_content
from userip_lightning.pipeline.plan import Job, Source, baseline_job
from userip_lightning.pipeline.quiet import quiet
from userip_lightning.pipeline.text_cache_folder import text_cache_folder
from userip_lightning.pipeline.training import is_done, read_record, train
from userip_lightning.pipeline.usage import released_memory
from userip_lightning.reproduce.baseline_note import note
from userip_lightning.reproduce.baseline_settings import Baseline
from userip_lightning.reproduce.case import Case
from userip_lightning.reproduce.progress import StudyDisplay
from userip_lightning.reproduce.row import Row
from userip_lightning.reproduce.row_task import Outcome, relative
from userip_lightning.reproduce.train_row import guarded
from userip_lightning.schema import TEST

KNOWLEDGE = "knowledge"


class BaselineRun:
    """One baseline on the data of a case, in this process: a language model takes all cores that it gets.

    Args:
        case: the case.
        row: the baseline's row.
        display: shows how far it is.
        share_cores: called between batches of texts, as other work may have ended by then.
    """

    def __init__(self, case: Case, row: Row, display: StudyDisplay, share_cores: Callable[[], None]) -> None:
        assert row.baseline is not None
        self.case = case
        self.row = row
        self.baseline: Baseline = row.baseline
        self.display = display
        self.share_cores = share_cores
        self.name = f"{row.dataset} / {row.split} / {row.method}"

    def write(self) -> Source | Outcome:
        """KAR's knowledge of all users and items; an outcome where it cannot be had."""
        made: list[Source] = []

        def work() -> Outcome:
            made.append(self._write())
            return Outcome()

        outcome = guarded(work, self.row.label, self.case.place.root, Unavailable)
        return made[0] if outcome.ready else outcome

    def score(self) -> Outcome:
        """Train and score with every seed."""
        return guarded(self._score, self.row.label, self.case.place.root, Unavailable)

    def _write(self) -> Source:
        from userip_lightning.baselines.kar import knowledge, shuffled

        place = self.case.place
        decides = {
            "schema": SCHEMA_VERSION,
            "code": code_hash([knowledge.__name__]),
            "section": by_content(self.baseline.sections[KNOWLEDGE]),
            "data": place.data_hash,
        }
        written = self._source(stable_hash(decides))
        if not self._has(written):
            self._write_to(written.folder)
        if not self.baseline.sections["shuffled"]:
            return written
        own = self._source(stable_hash({**decides, "shuffled": code_hash([shuffled.__name__])}))
        if not self._has(own):
            shuffled.shuffle(written.folder, own.folder)
        return own

    def _source(self, key: str) -> Source:
        return Source(key, self.case.place.root / KNOWLEDGE / key)

    def _has(self, source: Source) -> bool:
        there = source.folder.exists() and bool(read_manifest(source.folder, KNOWLEDGE))
        if there:
            self.display.notice(f"{self.name} / {KNOWLEDGE}: nothing changed, kept")
        return there

    def _write_to(self, target: Path) -> None:
        from userip_lightning.baselines.kar.knowledge import Knowledge

        name = f"{self.name} / {KNOWLEDGE}"

        parser = ArgumentParser(exit_on_error=False)
        parser.add_class_arguments(Knowledge, KNOWLEDGE, sub_configs=True)
        section = {KNOWLEDGE: self.baseline.sections[KNOWLEDGE]}
        knowledge: Knowledge = parser.instantiate(parser.parse_object(section))[KNOWLEDGE]
        with self.display.running(name) as piece, quiet(), released_memory():

            def progress(what: str, done: int, total: int) -> None:
                piece.at(done, total, what)
                self.share_cores()

            knowledge.write(self.case.place.prepared, target, text_cache_folder(), progress)
        self.display.finish(f"{name}: done")

    def _score(self) -> Outcome:
        jobs, missing = self._jobs(), 0
        settings = self.case.experiment.settings
        labels = {"dataset": self.row.dataset, "split": self.row.split, "method": self.row.method}
        for job in jobs:
            if is_done(job):
                continue
            missing += 1
            name = f"{self.name} / seed {job.seed}"
            with self.display.running(name), released_memory():
                record = train(job, settings, self.case.place.root, self.display, labels)
            self.display.finish(f"{name}: done in {record.wall_s:.1f} s")
        records = [record for record in map(read_record, jobs) if record is not None]
        metrics = json.loads((jobs[0].target / METRICS).read_text(encoding="utf-8"))
        return Outcome(
            runs=tuple(relative(job.target, self.case.place) for job in jobs),
            validation_auc=metrics["val"]["auc"],
            seconds=sum(record.wall_s for record in records),
            trained=missing,
            note=note(self.baseline, jobs[0].target),
            part=len(jobs) < len(settings.seeds) or self._judged(jobs[0].target) < self._judged(None),
        )

    def _jobs(self) -> list[Job]:
        from userip_lightning.pipeline.baseline_stages import PEPLER, RELLA

        stage = PEPLER if self.baseline.method == "pepler" else RELLA
        experiment = self.case.experiment
        label = f"{stage.name}/{self.row.method}"
        return [
            baseline_job(
                experiment, self.case.place, stage, self.baseline.sections, f"{label}/seed{seed}", seed
            )
            for seed in experiment.settings.seeds[: self.baseline.seeds]
        ]

    def _judged(self, run: Path | None) -> int:
        """Test rows of a run, or of the data."""
        file = self.case.place.prepared / "events.parquet" if run is None else run / PREDICTIONS
        rows = parquet.scan(file).filter(split=TEST).select(pl.len())
        return int(rows.collect().item())
