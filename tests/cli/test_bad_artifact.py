"""Artifacts that cannot be trusted, through the commands that read them: damage, other data, leaks."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
import yaml

from tests.cli.refusal import artifacts, refused
from tests.experiment import artifact_of
from tests.forged import forge
from userip_lightning import artifact
from userip_lightning.schema import TRAIN, VAL


@pytest.fixture
def run(finished, tmp_path) -> Path:
    """A copy of the finished experiment to spoil."""
    return Path(shutil.copytree(finished, tmp_path / "runs" / "tiny"))


@pytest.fixture
def prepared(finished, cache, tmp_path, monkeypatch) -> Path:
    """A copy of the tiny experiment's prepared data to spoil, in a cache of its own."""
    manifest = artifact.read_manifest(only(finished / "profile"), "profiles")
    name = f"prepared-{manifest.data_hash}"
    monkeypatch.setenv("USERIP_CACHE", str(tmp_path / "cache"))
    return Path(shutil.copytree(cache / name, tmp_path / "cache" / name))


@pytest.fixture
def stage_words(settings, prepared, tmp_path) -> Callable[..., list[str]]:
    """Words for `userip STAGE fit --output OUTPUT` on the prepared data."""

    def write(stage: str, **inputs: Path) -> list[str]:
        section = dict(settings[stage])
        paths = {name: str(path) for name, path in {"prepared": prepared, **inputs}.items()}
        section["data"] = {**section.get("data", {}), **paths}
        section["trainer"] = {**section["trainer"], "logger": False, "default_root_dir": str(tmp_path)}
        file = tmp_path / f"{stage}.yaml"
        file.write_text(yaml.safe_dump(section))
        return [stage, "fit", "--config", str(file), "--output", str(tmp_path / "output")]

    return write


def only(folder: Path) -> Path:
    """The one folder that is not hidden."""
    (found,) = (entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    return found


def codes_bank(run: Path) -> Path:
    """Folder of the version of the codes."""
    return only(artifact_of(run, "quantize/seed0"))


def replace_file(folder: Path, name: str, write: Callable[[Path], object]) -> None:
    """Replace a file of an artifact and what its manifest says of it, as somebody would who fakes it."""
    write(folder / name)
    forge(folder)


def validation_row(prepared: Path) -> int:
    """Row id of an event that selects the CTR model."""
    return int(pl.read_parquet(prepared / "events.parquet").filter(split=VAL)["row_id"][0])


def leak(row: int) -> str:
    return f"leak, 1 rows that the model is judged on are among those it was trained on (first row_id {row})"


def schema_version(folder: Path, prepared: Path) -> str:
    forge(folder, schema_version=99)
    return "schema version 99, this program reads 1; run its stage again"


def other_data(folder: Path, prepared: Path) -> str:
    forge(folder, data_hash="0123456789abcdef")
    return "made from data 0123456789abcdef, but this run uses data"


def corrupt_manifest(folder: Path, prepared: Path) -> str:
    file = folder / "manifest.json"
    file.write_text(file.read_text()[:100])
    return "manifest.json: the manifest is corrupt"


def manifest_of_another_program(folder: Path, prepared: Path) -> str:
    (folder / "manifest.json").write_text('{"name": "theirs"}')
    return "manifest.json: the manifest is corrupt"


def manifest_that_is_no_object(folder: Path, prepared: Path) -> str:
    (folder / "manifest.json").write_text("[1, 2]")
    return "manifest.json: the manifest is corrupt"


def binary_manifest(folder: Path, prepared: Path) -> str:
    (folder / "manifest.json").write_bytes(b"\xff\x00\x80")
    return "manifest.json: the manifest is corrupt"


def missing_manifest(folder: Path, prepared: Path) -> str:
    (folder / "manifest.json").unlink()
    return "missing"


def truncated_file(folder: Path, prepared: Path) -> str:
    file = sorted(folder.glob("*.np[yz]"))[0]
    file.write_bytes(file.read_bytes()[:-8])
    return f"{file.name}: the file has "


def flipped_byte(folder: Path, prepared: Path) -> str:
    file = sorted(folder.glob("*.np[yz]"))[0]
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    return f"{file.name}: the file is damaged (its content is not what was written); restore it from a copy"


def changed_manifest(folder: Path, prepared: Path) -> str:
    file = folder / "manifest.json"
    record = json.loads(file.read_text())
    file.write_text(json.dumps({**record, "users": record["users"] + 1}))
    return "manifest.json: the manifest is corrupt (it was changed after it was written)"


def missing_part(folder: Path, prepared: Path) -> str:
    file = sorted(folder.glob("*.np[yz]"))[0]
    file.unlink()
    return f"{file.name}: the file is missing; delete"


def leaked_row(folder: Path, prepared: Path) -> str:
    """A validation row among those that the artifact's training saw."""
    row = validation_row(prepared)
    rows = np.append(np.load(folder / "rows_seen.npy"), row)
    replace_file(folder, "rows_seen.npy", lambda file: np.save(file, rows))
    return leak(row)


DAMAGE = [
    schema_version,
    other_data,
    corrupt_manifest,
    manifest_of_another_program,
    manifest_that_is_no_object,
    binary_manifest,
    missing_manifest,
    truncated_file,
    flipped_byte,
    changed_manifest,
    missing_part,
    leaked_row,
]


@pytest.mark.parametrize("spoil", DAMAGE)
def test_a_bank_that_the_ctr_stage_cannot_trust(spoil, run, prepared, stage_words, tmp_path, capsys):
    bank = codes_bank(run)
    said = spoil(bank, prepared)
    sentence = refused(stage_words("ctr", bank=bank.parent), capsys)
    assert said in sentence
    assert sentence.startswith(str(bank.parent))
    assert ";" in sentence
    assert artifacts(tmp_path / "output") == []


@pytest.mark.parametrize("spoil", DAMAGE)
def test_profiles_that_the_quantize_stage_cannot_trust(spoil, run, prepared, stage_words, tmp_path, capsys):
    profiles = only(run / "profile")
    said = spoil(profiles, prepared)
    sentence = refused(stage_words("quantize", profiles=profiles), capsys)
    assert said in sentence
    assert sentence.startswith(str(profiles))
    assert ";" in sentence
    assert artifacts(tmp_path / "output") == []


@pytest.mark.parametrize("spoil", [schema_version, corrupt_manifest, truncated_file])
def test_a_bank_that_cannot_be_looked_into(spoil, run, prepared, capsys):
    bank = codes_bank(run)
    said = spoil(bank, prepared)
    assert said in refused(["bank", "lookup", str(bank.parent), "1"], capsys)


@pytest.mark.parametrize("spoil", [schema_version, corrupt_manifest, truncated_file])
@pytest.mark.parametrize("stage", ["profile", "quantize"])
def test_a_run_does_not_build_on_a_damaged_artifact(spoil, stage, run, prepared, config, capsys):
    said = spoil(codes_bank(run) if stage == "quantize" else only(run / stage), prepared)
    shutil.rmtree(run / "ctr")
    for name in ("results.json", "report.md"):
        (run / name).unlink()
    assert said in refused(["fit", "--config", str(config), "--output", str(run.parent)], capsys)
    assert not (run / "results.json").exists()
    assert not (run / "ctr").exists()


def test_a_validation_row_planted_in_the_input_of_stage_1(prepared, config, tmp_path, capsys):
    row = validation_row(prepared)

    def plant(file: Path) -> None:
        events = pl.read_parquet(file)
        planted = events.filter(row_id=row).with_columns(split=pl.lit(TRAIN))
        pl.concat([events, planted]).write_parquet(file)

    replace_file(prepared, "events.parquet", plant)
    sentence = refused(["fit", "--config", str(config), "--output", str(tmp_path / "runs")], capsys)
    assert sentence == f"{prepared}: {leak(row)}; train on the training split alone."
    assert artifacts(tmp_path / "runs") == []


class Runs:
    """Makes a folder when it is unpickled as Python does it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize(
    ("name", "said"), [("code", "could run code"), ("random", "it is damaged, truncated, or no checkpoint")]
)
def test_a_model_that_cannot_be_read_is_named(
    name: str, said: str, run: Path, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def write(file: Path) -> None:
        if name == "code":
            torch.save({"state_dict": {}, "evil": Runs(tmp_path / "made")}, file)
        else:
            file.write_bytes(os.urandom(1000))

    folder = artifact_of(run, "ctr/none/seed0")
    replace_file(folder, "model.ckpt", write)
    words = ["test", "--config", str(config), "--output", str(run.parent)]
    sentence = refused(words, capsys)
    assert sentence.startswith(f"{folder / 'model.ckpt'}: ")
    assert said in sentence
    assert not (tmp_path / "made").exists()
    stage = ["ctr", "test", "--data.prepared", "x", "--ckpt_path", str(folder / "model.ckpt")]
    assert said in refused(stage, capsys)


def test_a_prior_that_asks_to_run_code_is_refused(
    prepared: Path, run: Path, stage_words: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    profiles, made = only(run / "profile"), run / "made"
    torch.save({"weight": Runs(made)}, profiles / "prior.pt")
    assert "could run code" in refused(stage_words("quantize", profiles=profiles), capsys)
    assert not made.exists()
