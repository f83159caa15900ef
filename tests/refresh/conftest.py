"""A fitted experiment on a small planted log, and what happened after it."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import pytest
import yaml

from userip_lightning.cli import main

GROUPS, ITEMS, USERS = 6, 12, 150  # of items; of each group; of users


class World(NamedTuple):
    """Users with a taste each, and what they do."""

    root: Path  # of the experiment
    later: pl.DataFrame  # events after the fit, by users old and new
    moved: set[str]  # whose taste changed


def events(rng: np.random.Generator, users: list[str], taste: np.ndarray, each: int) -> pl.DataFrame:
    """Most of a user's events are on items of their group."""
    rows = []
    for user, group in zip(users, taste, strict=True):
        groups = np.where(rng.random(each) < 0.9, group, rng.integers(0, GROUPS, each))
        rows += [(user, f"i{g}_{rng.integers(ITEMS)}") for g in groups]
    return pl.DataFrame(rows, ["user_id", "item_id"], orient="row")


@pytest.fixture(scope="package")
def world(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    return _fitted(tmp_path_factory.mktemp("refresh"), {"sizes": {"hobby": 3, "background": 2}})


@pytest.fixture(scope="package")
def additive_world(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    model = {"sizes": {"hobby": 4, "background": 3}, "codebooks": "additive"}
    return _fitted(tmp_path_factory.mktemp("additive"), model)


def _fitted(folder: Path, model: dict[str, object]) -> World:
    rng = np.random.default_rng(0)
    users = [f"u{number:03d}" for number in range(USERS)]
    taste = rng.integers(0, GROUPS, USERS)
    early = events(rng, users, taste, 8).with_columns(given_split=pl.lit("train"))
    judged = events(rng, users[:40], taste[:40], 1).with_columns(
        given_split=pl.Series(["val"] * 20 + ["test"] * 20)
    )
    pl.concat([early, judged]).write_parquet(folder / "log.parquet")
    moved = set(users[100:120])
    taste[100:120] = (taste[100:120] + 1) % GROUPS
    new = [f"new{number}" for number in range(10)]
    later = pl.concat(
        [
            events(rng, users[90:100], taste[90:100], 6),
            events(rng, users[100:120], taste[100:120], 40),
            events(rng, new, rng.integers(0, GROUPS, 10), 6),
            pl.DataFrame({"user_id": ["u000", "nobody"], "item_id": ["never heard of", "never heard of"]}),
        ]
    )
    settings = {
        "experiment": "planted",
        "output": str(folder),
        "seeds": [0],
        "controls": [],
        "wandb": {"mode": "disabled"},
        "data": {
            "source": {
                "class_path": "userip_lightning.data.sources.tabular.Tabular",
                "init_args": {"path": str(folder / "log.parquet")},
            },
            "labels": "userip_lightning.data.labels.Implicit",
            "split": "userip_lightning.data.column_split.ColumnSplit",
            "duplicates": "drop",
        },
        "catalogue": {
            "model": model,
            "data": {"text": "userip_lightning.texts.source.NoText"},
        },
    }
    file = folder / "planted.yaml"
    file.write_text(yaml.safe_dump(settings))
    assert main(["fit", "--config", str(file), "--stages", "prepare,catalogue"]) == 0
    return World(folder / "planted", later, moved)
