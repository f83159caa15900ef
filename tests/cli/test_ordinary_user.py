"""Folders and files that an ordinary user may not write or read: one sentence, and nothing half-written."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
import yaml

from tests.cli.ordinary import Said, as_user, close, give, open_folder
from tests.experiment import TINY, artifact_of


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder for everybody, with a log, a configuration, an empty cache and room for runs."""
    with open_folder() as folder:
        shutil.copytree(TINY, folder / "log")
        for name in ("cache", "runs"):
            (folder / name).mkdir()
        source = {
            "class_path": "userip_lightning.data.sources.movielens.MovieLens100K",
            "init_args": {"path": str(folder / "log")},
        }
        config = {"experiment": "x", "output": str(folder / "runs"), "wandb": {"mode": "disabled"}}
        config["data"] = {"source": source, "k_core": 2}
        (folder / "c.yaml").write_text(yaml.safe_dump(config))
        give(folder)
        yield folder


@pytest.fixture
def experiment(place: Path, finished_catalogue: Path, cache: Path) -> Path:
    """A finished experiment that nobody may write into, with its prepared data."""
    shutil.copytree(cache, place / "cache", dirs_exist_ok=True)
    root = shutil.copytree(finished_catalogue, place / "experiment")
    pl.DataFrame({"user_id": ["1"], "item_id": ["1"], "rating": [5.0]}).write_parquet(place / "e.parquet")
    give(place)
    close(root)
    return root


def refused(said: Said) -> str:
    """The last line of a command that was refused; the lines before say how far it was."""
    assert said.code == 2, said
    assert "Traceback" not in said.err
    return said.err.splitlines()[-1]


def left(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_cache_that_is_read_only(place: Path) -> None:
    close(place / "cache")
    fit = as_user(["fit", "-c", str(place / "c.yaml")], place / "cache")
    assert "could not be written (Permission denied)" in refused(fit)
    assert str(place / "cache") in fit.err
    prepared = as_user(["data", "stats", "-c", str(place / "c.yaml")], place / "cache")
    assert "could not be written (Permission denied)" in refused(prepared)
    assert left(place / "cache") == []
    assert left(place / "runs") == []


def test_an_output_that_is_read_only(place: Path) -> None:
    close(place / "runs")
    fit = as_user(["fit", "-c", str(place / "c.yaml")], place / "cache")
    assert f"{place / 'runs' / 'x'}: cannot be written (Permission denied)" in refused(fit)
    assert left(place / "runs") == []


@pytest.mark.parametrize("name", ["log/u.data", "log/u.item", "c.yaml"])
def test_a_file_that_cannot_be_read(name: str, place: Path) -> None:
    (place / name).chmod(0)
    said = refused(as_user(["fit", "-c", str(place / "c.yaml")], place / "cache"))
    assert str(place / name) in said
    assert left(place / "runs") == []
    assert left(place / "cache") == []


def test_a_folder_that_cannot_be_entered(place: Path) -> None:
    (place / "log").chmod(0)
    said = refused(as_user(["fit", "-c", str(place / "c.yaml")], place / "cache"))
    assert str(place / "log") in said
    assert left(place / "runs") == []


def test_an_experiment_that_is_read_only_is_read(experiment: Path, place: Path) -> None:
    before = left(experiment)
    cache = place / "cache"
    bank = artifact_of(experiment, "catalogue/seed0")
    looked_up = as_user(["bank", "lookup", str(bank), "1"], cache)
    assert looked_up.code == 0, looked_up
    words = [str(experiment), "--events", str(place / "e.parquet"), "--codes", str(place / "codes")]
    inferred = as_user(["infer", *words], cache)
    assert inferred.code == 0, inferred
    assert as_user(["explain", str(experiment), "--user", "1"], cache).code == 0
    assert left(experiment) == before


def test_an_experiment_that_is_read_only_is_not_written(experiment: Path, place: Path) -> None:
    before, cache = left(experiment), place / "cache"
    bank, others = artifact_of(experiment, "catalogue/seed0"), place / "others"
    others.mkdir()
    close(others)
    for words in (
        ["explain", str(experiment), "--lm", "none"],
        ["refresh", str(experiment), "--events", str(place / "e.parquet")],
        ["bank", "prune", str(bank), "--keep", "1"],
        ["infer", str(experiment), "--events", str(place / "e.parquet"), "--codes", str(others / "codes")],
    ):
        assert "Permission denied" in refused(as_user(words, cache)), words
    assert left(experiment) == before
