"""Stages 1 and 2 of the tiny experiment, and what its users did as a population in Parquet."""

from pathlib import Path

import polars as pl
import pytest

from userip_lightning.cli import main
from userip_lightning.schema import SUPPORT, TRAIN


@pytest.fixture(scope="session")
def trained(config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the tiny experiment after stages 1 and 2; tests may not change it."""
    output = tmp_path_factory.mktemp("trained")
    words = ["--config", str(config), "--output", str(output), "--seeds", "[0]", "--stages", "profile,quantize"]
    assert main(["fit", *words]) == 0
    return output / "tiny"


@pytest.fixture(scope="session")
def events(trained: Path, cache: Path) -> pl.DataFrame:
    """What stage 1 saw of its 40 users."""
    prepared = max(cache.glob("prepared-*[0-9a-f]/events.parquet"), key=lambda file: file.stat().st_mtime_ns)
    events = pl.read_parquet(prepared).filter(pl.col("split").is_in([TRAIN, SUPPORT]), "logged")
    return events.select("user_id", "item_id", "label")


@pytest.fixture
def population(events: pl.DataFrame, tmp_path: Path) -> Path:
    file = tmp_path / "events.parquet"
    events.write_parquet(file)
    return file
