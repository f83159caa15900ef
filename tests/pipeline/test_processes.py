"""`userip fit` in two processes, from end to end."""

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
import yaml

from tests.experiment import artifact_of
from tests.pipeline.killer import RANK, VARIABLE
from userip_lightning.bank import FeatureBank
from userip_lightning.cli import main
from userip_lightning.pipeline.process_layout import layout_of

ONE_SEED = ["--seeds", "[0]", "--controls", "[]"]


@pytest.fixture(scope="module")
def shared_config(settings: dict, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny experiment; stage 1 in one process, stages 2 and 3 in two."""
    for stage in ("quantize", "ctr"):
        two = {**settings[stage]["trainer"], "devices": 2, "strategy": "ddp"}
        settings = {**settings, stage: {**settings[stage], "trainer": two}}
    file = tmp_path_factory.mktemp("config") / "two.yaml"
    file.write_text(yaml.safe_dump(settings))
    return file


def fit(config: Path, output: Path, *words: str, kill: str = "") -> subprocess.CompletedProcess[str]:
    """`userip fit` as its own process; ``kill`` is a stage and a signal for process 1."""
    command = [sys.executable, "-m", "userip_lightning", "fit", "-c", str(config), "--output", str(output)]
    env = {**os.environ, "OMP_NUM_THREADS": "1", VARIABLE: kill, RANK: "1"}
    return subprocess.run([*command, *words], env=env, capture_output=True, text=True, timeout=200)


@pytest.fixture(scope="module")
def killed(shared_config: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, int]:
    """Output folder of a run whose second process was killed in stage 3, what it said, and its exit code."""
    output = tmp_path_factory.mktemp("shared")
    done = fit(shared_config, output, *ONE_SEED, kill="ctr SIGKILL")
    return output / "tiny", done.stderr, done.returncode


def test_a_process_that_dies_ends_the_run_with_a_sentence(killed: tuple[Path, str, int]) -> None:
    root, said, code = killed
    assert code == 2
    last = said.splitlines()[-1]
    assert last.startswith("userip fit: process 1 was killed by SIGKILL; what was finished is kept")
    assert "Traceback" not in said
    assert [said.count(f"{stage}/seed0: done in") for stage in ("profile", "quantize")] == [1, 1]
    assert len(list((root / "quantize").iterdir())) == 1
    assert not (root / "ctr").exists()


def test_the_same_command_resumes_and_ends_like_one_process(
    killed: tuple[Path, str, int], shared_config: Path, finished: Path
) -> None:
    root, _, _ = killed
    assert main(["fit", "-c", str(shared_config), "--output", str(root.parent), *ONE_SEED]) == 0
    assert not {"LOCAL_RANK", "MASTER_PORT", "NODE_RANK"} & set(os.environ)
    codes, expected = (FeatureBank.open(artifact_of(folder, "quantize/seed0")) for folder in (root, finished))
    assert codes.users.equals(expected.users)
    for variant in ("none", "codes"):
        ours, theirs = (
            pl.read_parquet(artifact_of(folder, f"ctr/{variant}/seed0") / "predictions.parquet")
            for folder in (root, finished)
        )
        assert ours.drop("score").equals(theirs.drop("score"))
        assert (ours["score"] - theirs["score"]).abs().max() < 1e-3
    runs = json.loads((root / "results.json").read_text())["runs"]
    assert [run["label"] for run in runs if run["resumed"]] == ["ctr/none/seed0"]
    assert len(list(root.glob("logs/**/metrics.csv"))) == len(runs) + 1  # of the killed attempt, too
    assert not list(root.rglob("*.part"))


def test_stages_that_ask_for_different_numbers_are_refused(
    shared_config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["fit", "-c", str(shared_config), "--output", str(tmp_path), "--ctr.trainer.devices", "3"]
    assert main(words) == 2
    assert "the stages ask for 1 and 2 and 3 processes" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--ctr.trainer.strategy", "ddp_spawn"], "cannot share out the stages; set it to ddp or auto"),
        (["--ctr.trainer.num_nodes", "2"], "2 machines asked for; start the command with torchrun"),
    ],
)
def test_what_cannot_be_started_is_refused(
    shared_config: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    sentence: str,
) -> None:
    assert main(["fit", "-c", str(shared_config), "--output", str(tmp_path), "--stages", "ctr", *words]) == 2
    assert sentence in capsys.readouterr().err


def test_one_process_asks_for_no_others() -> None:
    assert layout_of([{"accelerator": "cpu", "devices": devices} for devices in (1, "auto")]) is None


def test_torchrun_and_the_trainers_have_to_agree(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "some")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert main(["fit", "-c", str(config), "--output", str(tmp_path)]) == 2
    assert "torchrun has started 2 processes, the stages ask for 1" in capsys.readouterr().err
