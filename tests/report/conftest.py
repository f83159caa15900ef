"""CTR artifacts as the ctr stage leaves them, with known scores, and a small study of them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.report.simulated import METHODS, SEEDS
from userip_lightning.artifact import Manifest, writing
from userip_lightning.report.entries import Entry

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


@pytest.fixture
def entries(write: Write) -> dict[str, Entry]:
    """Method to its entry, for a study whose root is the test's folder."""
    found = {}
    for method, (group, network, against, signal) in METHODS.items():
        for seed in range(SEEDS):
            write(method, seed, signal)
        runs = tuple(f"{method}/{seed}" for seed in range(SEEDS))
        found[method] = Entry("games", "random", "ids", method, group, network, against, runs)
    return found


@pytest.fixture
def absent() -> dict[str, Entry]:
    """Entries without figures; a library's message may hold several lines and signs that HTML reads."""
    entry = Entry("games", "random", "ids", "KAR", "llm", None, None, (), not_run="needs Llama-2-7B")
    failed = entry._replace(
        method="FFM", group="network", not_run=None, failed="loss <nan> & more\nin batch 3"
    )
    return {"KAR": entry, "PEPLER": entry._replace(method="PEPLER"), "FFM": failed}
