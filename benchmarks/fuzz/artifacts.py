"""Damaged artifacts of a finished experiment, opened as the next stage opens them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from benchmarks.fuzz.case import Kind, Outcome, difference, judge
from benchmarks.fuzz.damage import damage
from benchmarks.fuzz.experiment import (
    CATALOGUE,
    PER_USER,
    codes_of,
    finish,
    prepared_of,
    version_of,
    write_knowledge,
)
from userip_lightning import artifact
from userip_lightning.ctr.datamodule import CTRDataModule
from userip_lightning.data.prepared import PreparedData, PreparedFiles
from userip_lightning.data.statistics import table1
from userip_lightning.quantize.datamodule import QuantizeDataModule
from userip_lightning.report.comparison import compare
from userip_lightning.report.held_out import read_held_out
from userip_lightning.report.predictions import read_run
from userip_lightning.serving.profiler import Profiler

Answer = dict[str, Any]


class Opening(NamedTuple):
    """One artifact and one way to open it.

    Args:
        name: of the folder below what was built.
        ask: opens a copy of it; the second argument is the folder that holds the undamaged ones.
    """

    name: str
    ask: Callable[[Path, Path], Answer]


def _prepared(folder: Path, others: Path) -> Answer:
    data = PreparedData.load(folder)
    tables = {"events": data.events, "items": data.items, "users": data.users}
    return {**{name: frame.rows() for name, frame in tables.items()}, "table 1": table1(data).rows()}


def _prepared_files(folder: Path, others: Path) -> Answer:
    files = PreparedFiles.open(folder)
    return {"events": files.events.collect().rows(), "items": files.items.rows(), "users": files.users.rows()}


def _stage_2(folder: Path, prepared: Path) -> Answer:
    data = QuantizeDataModule(str(prepared), str(folder))
    data.setup("fit")
    found: Answer = {"users": data.profiles.user_ids.tolist(), "z": np.asarray(data.profiles.z).tolist()}
    found |= {"names": list(data.profiles.names), "rows_seen": data.rows_seen.tolist()}
    return {**found, "lm": data.manifest.lm}


def _ctr_rows(data: CTRDataModule) -> Answer:
    data.setup("fit")
    loader = data.test_dataloader()
    fields = [batch.fields.tolist() for batch in loader]
    vectors = [f.vectors.tolist() for f in data.feature_schema.fields if f.vectors is not None]
    names = [(field.name, field.size) for field in data.feature_schema.fields]
    return {"names": names, "vectors": vectors, "fields": fields}


def _ctr_on_prepared(folder: Path, others: Path) -> Answer:
    return _ctr_rows(CTRDataModule(str(folder), bank=str(others / "catalogue_bank")))


def _ctr_on_bank(folder: Path, others: Path) -> Answer:
    return _ctr_rows(CTRDataModule(str(others / "prepared"), bank=str(folder)))


def _ctr_on_profiles(folder: Path, others: Path) -> Answer:
    return _ctr_rows(CTRDataModule(str(others / "prepared"), profiles=str(folder)))


def _ctr_on_knowledge(folder: Path, others: Path) -> Answer:
    return _ctr_rows(CTRDataModule(str(others / "prepared"), knowledge=str(folder)))


def _table(folder: Path, others: Path) -> Answer:
    profiler = Profiler.load(folder)
    events = pl.read_parquet(others / "prepared" / "events.parquet").filter("logged")
    found = profiler.states(events)
    return {
        "names": list(profiler.names),
        "sizes": list(profiler.sizes),
        "explicit": profiler.explicit,
        "codes": profiler.codes(events).rows(),
        "states": found.states.tolist(),
    }


def _predictions(folder: Path, others: Path) -> Answer:
    found = {}
    for split in ("val", "test"):
        run = read_run(folder, split)
        found[split] = [
            run.rows.row_id.tolist(),
            run.rows.users.tolist(),
            run.rows.label.tolist(),
            run.score.tolist(),
        ]
    return {**found, "data": run.rows.data_hash}


def _comparison(folder: Path, others: Path) -> Answer:
    whole = {"none": [folder], "codes": [others / "ctr_codes"]}
    found = compare(whole, replicates=10)
    return {"variants": found.variants.rows(), "contrasts": found.contrasts.rows(), "verdict": found.verdict}


def _held_out(folder: Path, others: Path) -> Answer:
    artifact.read_manifest(folder, "profiles")
    return {"held out": list(read_held_out(folder / "profile_eval.json", replicates=10))}


OPENINGS = (
    Opening("prepared", _prepared),
    Opening("prepared", _prepared_files),
    Opening("prepared", _ctr_on_prepared),
    Opening("profiles", lambda folder, others: _stage_2(folder, others / "prepared")),
    Opening("prepared", lambda folder, others: _stage_2(others / "profiles", folder)),
    Opening("profiles", _ctr_on_profiles),
    Opening("profiles", _held_out),
    Opening("quantize_bank", _ctr_on_bank),
    Opening("catalogue_bank", _ctr_on_bank),
    Opening("catalogue_bank", _table),
    Opening("knowledge", _ctr_on_knowledge),
    Opening("ctr_none", _predictions),
    Opening("ctr_none", _comparison),
)


class Artifacts(Kind):
    """Prepared data, profiles, banks, knowledge and predictions."""

    name = "artifacts"

    def build(self, folder: Path) -> None:
        per_user, catalogue = (finish(folder / "made", engine) for engine in (PER_USER, CATALOGUE))
        prepared = prepared_of(per_user)
        shutil.copytree(prepared, folder / "prepared")
        shutil.copytree(_only(per_user / "profile"), folder / "profiles")
        shutil.copytree(codes_of(per_user), folder / "quantize_bank")
        shutil.copytree(codes_of(catalogue), folder / "catalogue_bank")
        for variant in ("none", "codes"):
            shutil.copytree(_ctr_run(catalogue, variant), folder / f"ctr_{variant}")
        write_knowledge(prepared, folder / "knowledge")

    def open(self, folder: Path) -> None:
        self.folder = folder
        self.truth = [opening.ask(folder / opening.name, folder) for opening in OPENINGS]

    def run(self, seed: int, scratch: Path) -> Outcome:
        rng = self.random(seed)
        place = rng.randrange(len(OPENINGS))
        opening = OPENINGS[place]
        copy = Path(shutil.copytree(self.folder / opening.name, scratch / opening.name))
        target = version_of(copy) if (copy / "CURRENT").is_file() and rng.random() < 0.9 else copy
        words = damage(target, rng)
        return judge(
            f"{opening.name} {opening.ask.__name__}: {words}",
            lambda: opening.ask(copy, self.folder),
            lambda found: difference(self.truth[place], found),
        )


def _only(folder: Path) -> Path:
    (found,) = (entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    return found


def _ctr_run(run: Path, variant: str) -> Path:
    """The artifact of one CTR run."""
    runs = json.loads((run / "results.json").read_text())["runs"]
    return next(run / one["artifact"] for one in runs if one["stage"] == "ctr" and one["variant"] == variant)
