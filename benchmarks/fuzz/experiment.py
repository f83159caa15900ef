"""The tests' tiny experiment, finished once with either engine, to be damaged."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml

from tests.conftest import save_llama
from tests.experiment import SETTINGS
from userip_lightning import artifact
from userip_lightning.artifact import Manifest
from userip_lightning.assets import cache_root
from userip_lightning.cli import main
from userip_lightning.data.prepared import PreparedData

#: Names of the two experiments.
PER_USER, CATALOGUE = "per_user", "catalogue"
_SHORT = {"max_epochs": 1, "accelerator": "cpu"}


def finish(folder: Path, engine: str) -> Path:
    """Fit the tiny experiment; returns its folder.

    Args:
        folder: gets the experiment, and the language model where one is needed.
        engine: ``per_user`` or ``catalogue``.
    """
    settings = _settings(engine)
    folder.mkdir(parents=True, exist_ok=True)
    if engine == PER_USER:
        model = folder / "llama"
        model.mkdir(parents=True, exist_ok=True)
        settings["profile"]["model"]["lm"] = {"name": str(save_llama(model)), "dtype": "float32"}
    file = folder / f"{engine}.yaml"
    file.write_text(yaml.safe_dump(settings))
    if main(["fit", "--config", str(file), "--output", str(folder / "runs")]) != 0:
        raise RuntimeError(f"the tiny experiment could not be fitted with {file}")
    return folder / "runs" / engine


def _settings(engine: str) -> dict[str, Any]:
    settings: dict[str, Any] = copy.deepcopy(SETTINGS)
    settings |= {"experiment": engine, "engine": engine, "seeds": [0]}
    settings["ctr"]["trainer"] = dict(_SHORT)
    if engine == CATALOGUE:
        del settings["profile"], settings["quantize"]
        return settings
    settings["profile"]["trainer"] = dict(_SHORT)
    settings["quantize"] = {"model": {"allow_unused": True}, "trainer": dict(_SHORT)}
    return settings


def prepared_of(run: Path) -> Path:
    """The prepared data below an experiment, in this process's cache."""
    found = artifact.read_manifest(version_of(codes_of(run)), "bank")
    return cache_root() / f"prepared-{found.data_hash}"


def codes_of(run: Path) -> Path:
    """The bank of the codes."""
    stage = "quantize" if (run / "quantize").is_dir() else "catalogue"
    return next(file.parent for file in sorted((run / stage).rglob("CURRENT")))


def version_of(bank: Path) -> Path:
    """Folder of a bank's current version."""
    return bank / (bank / "CURRENT").read_text().strip()


def write_knowledge(prepared: Path, folder: Path) -> Path:
    """A knowledge artifact as the baseline writes it, of random vectors."""
    data = PreparedData.load(prepared)
    draw = np.random.default_rng(0)
    texts = [("user", key, "?", "!") for key in data.users["user_id"]]
    manifest = Manifest("knowledge", "config", data.data_hash, data.n_users, extra={"no_knowledge": {}})
    with artifact.writing(folder, manifest, data.rows("train")["row_id"].to_numpy()) as draft:
        artifact.save_array(draft / "users.npy", draw.normal(size=(data.n_users, 8)).astype(np.float32))
        artifact.save_array(draft / "items.npy", draw.normal(size=(data.n_items, 8)).astype(np.float32))
        pl.DataFrame(texts, schema=["side", "id", "prompt", "text"], orient="row").write_parquet(
            draft / "texts.parquet"
        )
    return folder
