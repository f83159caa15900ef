"""A disk that is full half-way through a write: one sentence, nothing half-written, and the run can go on."""

import copy
import shutil
from pathlib import Path

import pytest
import yaml

from tests.cli.full_disk import VARIABLE, emptied, fill
from tests.cli.refusal import artifacts, refused
from tests.experiment import artifact_of
from userip_lightning.cli import main

FULL = "the disk is full or a quota is reached"


@pytest.fixture(scope="module")
def words(settings, cache, tmp_path_factory) -> list[str]:
    """`userip fit` on the tiny experiment, with disks that are full on demand."""
    settings = copy.deepcopy(settings)
    for stage in ("profile", "quantize", "ctr"):
        filler = {"class_path": "tests.cli.full_disk.FullDisk", "init_args": {"stage": stage}}
        settings[stage]["trainer"].update(callbacks=[filler], max_epochs=1)
    file = tmp_path_factory.mktemp("full") / "tiny.yaml"
    file.write_text(yaml.safe_dump({**settings, "seeds": [0], "controls": []}))
    return ["fit", "--config", str(file)]


@pytest.fixture(scope="module")
def half_way(words, tmp_path_factory) -> Path:
    """An experiment with profiles and codes."""
    folder = tmp_path_factory.mktemp("half-way")
    assert main([*words, "--output", str(folder), "--stages", "profile,quantize"]) == 0
    return folder


@pytest.mark.parametrize("limit", [200, 3000])
def test_preparing_data(limit, config, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("USERIP_CACHE", str(tmp_path))
    words = ["data", "prepare", "--config", str(config)]
    with emptied():
        fill(limit)
        sentence = refused(words, capsys)
    assert sentence.startswith(str(tmp_path / "prepared-"))
    assert f"could not be written ({FULL}); free some space or name another place" in sentence
    assert artifacts(tmp_path) == []
    assert main(words) == 0


# The limit decides which file of the artifact meets it, and so which library's words for it are met.
@pytest.mark.parametrize(
    ("stage", "moment", "limit", "named"),
    [
        ("profile", "training", 4096, ""),  #      the checkpoint
        ("profile", "export", 4096, "profile/"),  # z.npy
        ("quantize", "export", 1400, "quantize/"),  # codes.parquet
        ("quantize", "export", 2048, "quantize/"),  # rows_seen.npy
        ("ctr", "training", 4096, ""),
        ("ctr", "export", 5000, "ctr/"),  #        model.ckpt
    ],
)
def test_a_stage(stage, moment, limit, named, words, half_way, tmp_path, monkeypatch, capsys):
    below = {"profile": [], "quantize": ["profile"], "ctr": ["profile", "quantize"]}[stage]
    for name in below:
        shutil.copytree(half_way / "tiny" / name, tmp_path / "tiny" / name)
    words = [*words, "--output", str(tmp_path), "--stages", stage]
    whole = artifacts(tmp_path)
    with emptied(), monkeypatch.context() as patch:
        patch.setenv(VARIABLE, f"{stage} {moment} {limit}")
        sentence = refused(words, capsys)
    assert FULL in sentence
    assert "free some space" in sentence
    assert str(tmp_path / "tiny" / named) in sentence or not named
    assert [file for file in artifacts(tmp_path) if file.name != "last.part"] == whole
    assert main(words) == 0
    assert len(artifacts(tmp_path)) > len(whole)


def test_exporting_a_bank(finished, tmp_path, capsys):
    bank = artifact_of(finished, "quantize/seed0")
    for file in (tmp_path / "codes.csv", tmp_path / "codes.parquet"):
        with emptied():
            fill(200)
            sentence = refused(["bank", "export", str(bank), str(file)], capsys)
        assert FULL in sentence
        assert list(tmp_path.iterdir()) == []
        assert main(["bank", "export", str(bank), str(file)]) == 0
        file.unlink()
