"""Stages 1 and 2 of the tiny experiment, and what its users did as a population in Parquet."""

from pathlib import Path

import polars as pl
import pytest

from userip_lightning.bank import FeatureBank
from userip_lightning.bulk.per_user_engine import Prompted
from userip_lightning.cli import main
from userip_lightning.cli.infer import trained_by
from userip_lightning.schema import SUPPORT, TRAIN


@pytest.fixture(scope="session")
def experiment(config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the tiny experiment after stages 1 and 2; tests may not change it."""
    output = tmp_path_factory.mktemp("trained")
    words = ["--config", str(config), "--output", str(output), "--seeds", "[0]"]
    words += ["--stages", "profile,quantize"]
    words += ["--profile.model.lm.dtype", "float32"]  # who shares a batch changes the last digits alone
    assert main(["fit", *words]) == 0
    return output / "tiny"


@pytest.fixture(scope="session")
def bank(experiment: Path) -> FeatureBank:
    return FeatureBank.open(next((experiment / "quantize").iterdir()))


@pytest.fixture(scope="session")
def trained(experiment: Path) -> Prompted:
    return trained_by(experiment, seed=None)


@pytest.fixture(scope="session")
def events(trained: Prompted) -> pl.DataFrame:
    """What stage 1 saw of its 40 users."""
    events = pl.read_parquet(trained.prepared / "events.parquet")
    events = events.filter(pl.col("split").is_in([TRAIN, SUPPORT]), "logged")
    return events.select("user_id", "item_id", "label", "rating")


@pytest.fixture
def population(events: pl.DataFrame, tmp_path: Path) -> Path:
    file = tmp_path / "events.parquet"
    events.select("user_id", "item_id", "label").write_parquet(file)
    return file
