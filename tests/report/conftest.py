"""CTR artifacts as the ctr stage leaves them, with known scores."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from userip_lightning.artifact import Manifest, writing

Write = Callable[..., Path]


@pytest.fixture
def log() -> pl.DataFrame:
    """800 judged rows of 80 users; ``truth`` is the log-odds that the label was drawn from."""
    rng = np.random.default_rng(0)
    user = rng.integers(80, size=800)
    truth = rng.normal(size=800) + 1.5 * rng.normal(size=80)[user]
    label = rng.random(800) < 1 / (1 + np.exp(-truth))
    return pl.DataFrame(
        {
            "row_id": np.arange(100, 900),
            "user_id": [f"u{u}" for u in user],
            "split": np.where(np.arange(800) % 2, "val", "test"),
            "label": label.astype(np.int8),
            "truth": truth,
        }
    )


@pytest.fixture
def write(tmp_path: Path, log: pl.DataFrame) -> Write:
    """Write an artifact whose scores see ``signal`` of the truth, the rest is noise drawn from ``seed``."""

    def write_run(
        name: str, seed: int, signal: float, data_hash: str = "d", rows: pl.DataFrame = log
    ) -> Path:
        noise = np.random.default_rng(seed).normal(size=rows.height)
        logit = signal * rows["truth"].to_numpy() + 0.3 * noise
        table = rows.drop("truth").with_columns(score=pl.Series(1 / (1 + np.exp(-logit))).cast(pl.Float32))
        path = tmp_path / name / str(seed)
        with writing(path, Manifest("ctr", "c", data_hash, 80)) as draft:
            table.sample(fraction=1, shuffle=True, seed=seed).write_parquet(draft / "predictions.parquet")
        return path

    return write_run
