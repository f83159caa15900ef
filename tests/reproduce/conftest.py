"""A tiny study: two networks, two splits, two sets of fields and two seeds on 40 users."""

import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from userip_lightning.cli import main

LOGISTIC = "Logistic"
STUDY = {
    "study": "study",
    "split_rules": {
        "random": "userip_lightning.data.splits.RandomSplit",
        "cold_users": {
            "class_path": "userip_lightning.data.splits.ColdUsers",
            "init_args": {"choose": "random", "support": 3},
        },
    },
    "networks": {
        "DCN": {"class_path": "userip_lightning.ctr.networks.dcn.DCN", "init_args": {"hidden": [4]}},
        "LR": LOGISTIC,
    },
    "not_run": {"KAR": "It asks a language model that is not here."},
    "controls": ["shuffled"],
    "sweep": [3, 4],
    "seeds": [0, 1],
    "tuning": {"trials": 1},
    "workers": 0,
}


@pytest.fixture(scope="session")
def experiment(settings: dict, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny experiment with a short stage 3."""
    short = copy.deepcopy(settings)
    short["ctr"]["trainer"] = {"max_epochs": 1, "accelerator": "cpu"}
    file = tmp_path_factory.mktemp("experiment") / "tiny.yaml"
    file.write_text(yaml.safe_dump(short))
    return file


@pytest.fixture(scope="session")
def study_words(experiment: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[str]]:
    """The words after `userip` that run the study into a folder, with further words or other settings."""

    def words(table: str, output: Path, *more: str, **changes: object) -> list[str]:
        study = {**copy.deepcopy(STUDY), "dataset_files": {"tiny": str(experiment)}, **changes}
        file = tmp_path_factory.mktemp("study") / "study.yaml"
        file.write_text(yaml.safe_dump(study))
        return ["reproduce", table, "--config", str(file), "--output", str(output), *more]

    return words


@pytest.fixture(scope="session")
def alone(study_words: Callable[..., list[str]]) -> Callable[..., list[str]]:
    """The words for one block and rows that need no codes: a reference named `baseline` and others."""

    def words(output: Path, *methods: str, **changes: object) -> list[str]:
        more = ["--splits", "random", "--fields", "[ids]", "--methods", "baseline", *methods]
        return study_words("table2", output, *more, **{"references": {"baseline": LOGISTIC}, **changes})

    return words


@pytest.fixture(scope="session")
def reproduced(study_words: Callable[..., list[str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Output folder after table 2; tests may not change it."""
    output = tmp_path_factory.mktemp("reproduced")
    assert main(study_words("table2", output)) == 0
    return output


@pytest.fixture
def entries() -> Callable[..., dict[str, dict]]:
    """The entries of a report by method, of all blocks or of one."""

    def read(folder: Path, split: str | None = None, fields: str | None = None) -> dict[str, dict]:
        records = json.loads((folder / "entries.json").read_text())
        return {
            record["method"]: record
            for record in records
            if split in (None, record["split"]) and fields in (None, record["fields"])
        }

    return read
