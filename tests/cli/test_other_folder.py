"""An experiment of relative paths, fitted in one folder and used from another."""

import copy
import json
import shutil
from pathlib import Path

import polars as pl
import pytest
import yaml

from tests.experiment import TINY
from userip_lightning.cli import main


@pytest.fixture(scope="module")
def fitted(settings: dict, cache: Path, tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder where `userip fit -c c.yaml` was run; everything in it is named relative to it."""
    folder = tmp_path_factory.mktemp("first")
    shutil.copytree(TINY, folder / "log")
    shutil.copytree(tiny_llama, folder / "models" / "lm")
    source = {**settings["data"]["source"], "init_args": {"path": "log"}}
    own = copy.deepcopy(settings) | {"seeds": [0], "controls": []}
    own["data"]["source"] = source
    own["profile"]["model"]["lm"] = {"name": "models/lm", "dtype": "float32"}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        Path("c.yaml").write_text(yaml.safe_dump(own))
        assert main(["fit", "-c", "c.yaml"]) == 0
    return folder


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_commands_work_from_another_folder(
    fitted: Path, elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = fitted / "runs" / "tiny"
    before = json.loads((root / "results.json").read_text())
    saved = ["--config", str(root / "config.yaml")]
    assert main(["test", *saved]) == 0
    assert main(["explain", str(root), "--lm", "none"]) == 0
    pl.DataFrame({"user_id": ["1"], "item_id": ["1"], "label": [1]}).write_parquet("events.parquet")
    assert main(["infer", str(root), "--events", "events.parquet", "--codes", "codes"]) == 0
    (bank,) = (root / "quantize").iterdir()
    assert main(["bank", "lookup", str(bank), "1"]) == 0
    capsys.readouterr()
    assert main(["fit", *saved]) == 0
    assert "done in" not in capsys.readouterr().err  # every run is found again
    after = json.loads((root / "results.json").read_text())
    assert after["comparison"] == before["comparison"]
    assert {file.name for file in elsewhere.iterdir()} == {"events.parquet", "codes"}


def test_a_folder_that_has_moved_is_the_same_experiment(
    fitted: Path, elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(fitted / "runs", elsewhere / "moved")
    shutil.copytree(fitted / "models", elsewhere / "models")
    words = ["fit", "--config", "moved/tiny/config.yaml", "--output", "moved"]
    assert main([*words, "--profile.model.lm.name", "models/lm"]) == 0
    assert "done in" not in capsys.readouterr().err


def test_the_stage_alone_saves_absolute_folders(fitted: Path, elsewhere: Path, cache: Path) -> None:
    data_hash = json.loads((fitted / "runs" / "tiny" / "results.json").read_text())["data_hash"]
    (elsewhere / "prepared").symlink_to(cache / f"prepared-{data_hash}")
    words = ["ctr", "fit", "--data.prepared", "prepared", "--trainer.max_epochs", "0"]
    assert main([*words, "--trainer.accelerator", "cpu", "--trainer.logger", "false"]) == 0
    saved = yaml.safe_load((elsewhere / "config.yaml").read_text())
    assert saved["data"]["prepared"] == str(elsewhere / "prepared")
