"""A whole experiment in a few seconds: 40 users, a language model of two tiny layers."""

import copy
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from userip_lightning.cli import main

TINY = Path(__file__).parent / "data" / "tiny" / "ml-100k"


def killers(stage: str) -> list[dict]:
    return [{"class_path": "tests.pipeline.killer.Killer", "init_args": {"stage": stage}}]


def trainer(stage: str, epochs: int) -> dict:
    return {"max_epochs": epochs, "accelerator": "cpu", "callbacks": killers(stage)}


SETTINGS = {
    "experiment": "tiny",
    "engine": "per_user",
    "seeds": [0, 1],
    "controls": ["shuffled"],
    "wandb": {"mode": "disabled"},
    "data": {
        "source": {
            "class_path": "userip_lightning.data.sources.movielens.MovieLens100K",
            "init_args": {"path": str(TINY)},
        },
        "k_core": 2,
    },
    "profile": {
        "model": {"prompt": {"soft_tokens": 2}},
        "data": {"behaviours": 3, "eval_users": 16},
        "trainer": trainer("profile", 3),
    },
    "quantize": {"trainer": trainer("quantize", 3)},
    "ctr": {"data": {"batch_size": 128}, "trainer": trainer("ctr", 3)},
}


@pytest.fixture(scope="session")
def settings(tiny_llama: Path) -> dict:
    """The tiny experiment."""
    settings = copy.deepcopy(SETTINGS)
    settings["profile"]["model"]["lm"] = {"name": str(tiny_llama)}
    return settings


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of prepared data, shared by all tests."""
    folder = tmp_path_factory.mktemp("cache")
    before = os.environ.get("USERIP_CACHE")
    os.environ["USERIP_CACHE"] = str(folder)
    yield folder
    os.environ.pop("USERIP_CACHE")
    if before is not None:
        os.environ["USERIP_CACHE"] = before


@pytest.fixture(scope="session")
def config(settings: dict, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny experiment as a YAML file."""
    file = tmp_path_factory.mktemp("config") / "tiny.yaml"
    file.write_text(yaml.safe_dump(settings))
    return file


@pytest.fixture(scope="session")
def finished(config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the tiny experiment after `userip fit`; tests may not change it."""
    output = tmp_path_factory.mktemp("runs")
    assert main(["fit", "--config", str(config), "--output", str(output)]) == 0
    return output / "tiny"


@pytest.fixture(scope="session")
def catalogue_config(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny experiment with the catalogue engine, whose prior reads words."""
    settings = copy.deepcopy(SETTINGS) | {"experiment": "tiny_catalogue", "engine": "catalogue"}
    settings["output"] = str(tmp_path_factory.mktemp("catalogue_runs"))
    settings["catalogue"] = {"data": {"columns": ["title", "genres"]}}
    del settings["profile"], settings["quantize"]
    file = tmp_path_factory.mktemp("catalogue_config") / "tiny.yaml"
    file.write_text(yaml.safe_dump(settings))
    return file


@pytest.fixture(scope="session")
def finished_catalogue(catalogue_config: Path) -> Path:
    """Folder of that experiment after `userip fit`; tests may not change it."""
    assert main(["fit", "--config", str(catalogue_config)]) == 0
    return Path(yaml.safe_load(catalogue_config.read_text())["output"]) / "tiny_catalogue"


def artifact_of(root: Path, label: str) -> Path:
    """Folder of one run's artifact, such as `quantize/seed0`, in a finished experiment."""
    runs = json.loads((root / "results.json").read_text())["runs"]
    (name,) = (run["artifact"] for run in runs if run["label"] == label)
    return root / name


@pytest.fixture(scope="session")
def prepared_folder(finished: Path, cache: Path) -> Path:
    """The prepared data of the tiny experiment; other tests put others beside it."""
    return cache / f"prepared-{json.loads((finished / 'results.json').read_text())['data_hash']}"


@pytest.fixture
def fit(config: Path) -> Callable[..., int]:
    """`userip fit` on the tiny experiment into a folder, with further words; returns the exit code."""

    def run(output: Path, *words: str) -> int:
        return main(["fit", "--config", str(config), "--output", str(output), *words])

    return run
