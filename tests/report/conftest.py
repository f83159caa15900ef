"""CTR artifacts as the ctr stage leaves them, with known scores, and a small study of them."""

import shutil
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
import polars as pl
import pytest

from tests.report.simulated import METHODS, SEEDS
from userip_lightning.artifact import Manifest, writing
from userip_lightning.report.entries import Entry


class Write(Protocol):
    """Write an artifact whose scores see ``signal`` of the truth, the rest is noise drawn from ``seed``."""

    def __call__(
        self, name: str, seed: int, signal: float, data_hash: str = "d", rows: pl.DataFrame | None = None
    ) -> Path: ...


@pytest.fixture(scope="session")
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


def _write(
    root: Path,
    log: pl.DataFrame,
    name: str,
    seed: int,
    signal: float,
    data_hash: str = "d",
    rows: pl.DataFrame | None = None,
) -> Path:
    rows = log if rows is None else rows
    noise = np.random.default_rng(seed).normal(size=rows.height)
    logit = signal * rows["truth"].to_numpy() + 0.3 * noise
    table = rows.drop("truth").with_columns(score=pl.Series(1 / (1 + np.exp(-logit))).cast(pl.Float32))
    path = root / name / str(seed)
    with writing(path, Manifest("ctr", "c", data_hash, 80)) as draft:
        table.sample(fraction=1, shuffle=True, seed=seed).write_parquet(draft / "predictions.parquet")
    return path


@pytest.fixture
def write(tmp_path: Path, log: pl.DataFrame) -> Write:
    return partial(_write, tmp_path, log)


@pytest.fixture(scope="session")
def runs_root(tmp_path_factory: pytest.TempPathFactory, log: pl.DataFrame) -> Path:
    """The runs of every method of the small study, to be read only."""
    root = tmp_path_factory.mktemp("runs")
    for method, (*_, signal) in METHODS.items():
        for seed in range(SEEDS):
            _write(root, log, method, seed, signal)
    return root


@pytest.fixture
def entries(small_study: dict[str, Entry], runs_root: Path, tmp_path: Path) -> dict[str, Entry]:
    """Method to its entry; its runs lie in the test's own folder and may be changed there."""
    shutil.copytree(runs_root, tmp_path, dirs_exist_ok=True)
    return dict(small_study)


@pytest.fixture(scope="session")
def small_study() -> dict[str, Entry]:
    """Method to its entry, with runs in ``runs_root``."""
    kinds = {"DCN + shuffled": "shuffled", "DCN + SVD": "svd_kmeans"}
    return {
        method: Entry(
            *("games", "random", "ids", method, group, network, against),
            runs=tuple(f"{method}/{seed}" for seed in range(SEEDS)),
            sizes={"hobby": 4, "background": 3} if group == "userip" else {},
            control=kinds.get(method),
        )
        for method, (group, network, against, _) in METHODS.items()
    }


class Part(Protocol):
    """Write a method that was judged on 150 of the 400 rows; its entry and the ids of those rows."""

    def __call__(self, seeds: int, note: str | None = None) -> tuple[Entry, list[int]]: ...


@pytest.fixture
def rella(write: Write, log: pl.DataFrame) -> Part:
    def build(seeds: int, note: str | None = None) -> tuple[Entry, list[int]]:
        tested = log.filter(pl.col("split") == "test", pl.col("truth").abs() > 1).head(150)  # easy rows
        for seed in range(seeds):
            write("ReLLa", seed, 1.2, rows=pl.concat([log.filter(pl.col("split") == "val"), tested]))
        runs = tuple(f"ReLLa/{seed}" for seed in range(seeds))
        entry = Entry("games", "random", "ids", "ReLLa", "llm", None, "DCN", runs, note=note, part=True)
        return entry, tested["row_id"].sort().to_list()

    return build


@pytest.fixture(scope="session")
def absent() -> dict[str, Entry]:
    """Entries without figures; a library's message may hold several lines and signs that HTML reads."""
    entry = Entry("games", "random", "ids", "KAR", "llm", None, None, (), not_run="needs Llama-2-7B")
    failed = entry._replace(
        method="FFM", group="network", not_run=None, failed="loss <nan> & more\nin batch 3"
    )
    return {"KAR": entry, "PEPLER": entry._replace(method="PEPLER"), "FFM": failed}
