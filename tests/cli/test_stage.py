"""One stage alone, by LightningCLI's own rules."""

import json

import polars as pl
import pytest
import yaml

from tests.experiment import artifact_of
from userip_lightning.artifact import read_manifest
from userip_lightning.cli import main
from userip_lightning.ctr.module import CTRModule
from userip_lightning.pipeline import slow_precision
from userip_lightning.pipeline.stages import TRAINED


@pytest.fixture
def section(settings, prepared_folder, tmp_path):
    """Write a stage's section of the tiny experiment as a configuration of its own; return its path."""

    def write(stage: str, **data: str) -> str:
        content = settings[stage]
        content = {**content, "data": {**content.get("data", {}), "prepared": str(prepared_folder), **data}}
        content["trainer"] = {**content["trainer"], "logger": False, "default_root_dir": str(tmp_path)}
        file = tmp_path / f"{stage}.yaml"
        file.write_text(yaml.safe_dump(content))
        return str(file)

    return write


def test_a_ctr_run_alone_equals_the_pipelines_but_for_selection(section, tmp_path):
    words = ["--config", section("ctr"), "--output", str(tmp_path / "ctr")]
    assert main(["ctr", "fit", *words]) == 0
    predictions = pl.read_parquet(tmp_path / "ctr" / "predictions.parquet")
    assert predictions["score"].is_between(0, 1).all()
    metrics = json.loads((tmp_path / "ctr" / "metrics.json").read_text())
    assert set(metrics) == {"val", "test"}


def test_an_optimizer_starts_from_its_own_defaults(section, tmp_path, monkeypatch):
    config, build, groups = section("ctr"), CTRModule.configure_optimizers, []

    def spy(module):
        groups.extend((optimizer := build(module)).param_groups)
        return optimizer

    monkeypatch.setattr(CTRModule, "configure_optimizers", spy)
    other = tmp_path / "adamw.yaml"
    other.write_text("model: {optimizer: {class_path: torch.optim.AdamW, init_args: {lr: 0.01}}}")
    assert main(["ctr", "fit", "--config", config, "--config", str(other)]) == 0
    assert {(group["lr"], group["weight_decay"]) for group in groups} == {(0.01, 0.01)}


def test_quantize_alone_reads_the_profiles_and_writes_a_bank(section, finished, tmp_path, capsys):
    (profiles,) = (finished / "profile").iterdir()
    config = section("quantize", profiles=str(profiles))
    assert main(["quantize", "fit", "--config", config, "--output", str(tmp_path / "bank")]) == 0
    assert main(["bank", "info", str(tmp_path / "bank")]) == 0
    bank = artifact_of(finished, "quantize/seed0")
    theirs, ours = bank / "CURRENT", tmp_path / "bank" / "CURRENT"
    codes = [
        pl.read_parquet(file.parent / file.read_text().strip() / "codes.parquet") for file in (theirs, ours)
    ]
    assert codes[0].equals(codes[1])


def test_quantize_judges_and_predicts_from_a_checkpoint_and_refuses_without_one(
    section, finished, tmp_path, capsys
):
    (profiles,) = (finished / "profile").iterdir()
    config = section("quantize", profiles=str(profiles))
    assert main(["quantize", "fit", "--config", config]) == 0
    for command in ("validate", "test", "predict"):
        words = ["quantize", command, "--config", config]
        assert main([*words, "--ckpt_path", str(tmp_path / "last.ckpt")]) == 0
        capsys.readouterr()
        assert main(words) == 2
        assert "give --ckpt_path" in capsys.readouterr().err


def test_the_command_line_beats_the_checkpoint(section, tmp_path, capsys):
    config = section("profile")
    assert main(["profile", "fit", "--config", config, "--output", str(tmp_path / "profiles")]) == 0
    assert read_manifest(tmp_path / "profiles", "profiles").users == 40
    checkpoint = tmp_path / "last.ckpt"
    capsys.readouterr()
    words = ["profile", "validate", "--config", config, "--ckpt_path", str(checkpoint)]
    assert main(words) == 0
    assert "profile/val_nats" in capsys.readouterr().out
    # Were the checkpoint's settings to win, nothing could be refused.
    assert main([*words, "--model.inner_steps=3"]) == 2
    assert "use the settings it was made with" in capsys.readouterr().err


@pytest.mark.parametrize("stage", TRAINED, ids=lambda stage: stage.name)
def test_a_trainer_has_its_stages_own_defaults(stage, capsys):
    assert main([stage.name, "fit", "--data.prepared", "x", "--print_config"]) == 0
    trainer = yaml.safe_load(capsys.readouterr().out)["trainer"]
    assert dict(stage.trainer).items() <= trainer.items()
    assert trainer["max_epochs"] == stage.max_epochs


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--model.strength", "-1"], "catalogue: model.strength: -1.0 given"),
        (["--data.block_users", "0"], "catalogue: data.block_users: 0 given"),
    ],
)
def test_a_refused_setting_has_the_name_that_the_command_has(words, told, tmp_path, capsys):
    words = ["--data.prepared", str(tmp_path), "--trainer.default_root_dir", str(tmp_path), *words]
    assert main(["catalogue", "fit", *words]) == 2
    assert told in capsys.readouterr().err


def test_a_precision_that_is_slow_here_is_announced(section, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr(slow_precision, "cpu_has_bfloat16", lambda: False)
    precision = ["--trainer.precision", "bf16-mixed"]
    assert main(["ctr", "fit", "--config", section("ctr"), *precision]) == 0
    assert "precision is bf16-mixed, but this processor" in capsys.readouterr().err
    assert main(["ctr", "fit", "--config", section("ctr")]) == 0
    assert "this processor" not in capsys.readouterr().err
