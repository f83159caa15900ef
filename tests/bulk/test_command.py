"""What `userip infer` says, and what it refuses."""

import importlib.util
from pathlib import Path

import polars as pl
import pytest

from tests.cli.refusal import refused
from userip_lightning.cli import main


def words(experiment: Path, events: Path, codes: Path, *further: str) -> list[str]:
    return ["infer", str(experiment), "--events", str(events), "--codes", str(codes), *further]


def test_the_command_says_where_codes_are_and_how_many_users_have_each(
    experiment, population, tmp_path, capsys
):
    assert main(words(experiment, population, tmp_path / "codes")) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"codes of 40 users: {tmp_path / 'codes' / 'codes'}"
    codes = pl.read_parquet(tmp_path / "codes" / "codes")
    counts = [codes.filter(hobby=code).height for code in range(4)]
    assert said[1] == f"hobby: {', '.join(map(str, counts))} users per code"
    assert len(said) == 3


def test_a_csv_file_is_not_taken_for_a_damaged_parquet_file(experiment, tmp_path, capsys):
    (tmp_path / "week.csv").write_text("user_id,item_id,rating\n1,2,3\n")
    assert main(words(experiment, tmp_path / "week.csv", tmp_path / "codes")) == 2
    said = capsys.readouterr().err
    assert ".csv given, Parquet with user_id, item_id and a label or rating is needed" in said
    assert not (tmp_path / "codes").exists()


def test_codes_are_not_written_among_an_experiments_own_files(tmp_path, capsys):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "config.yaml").touch()
    for codes in (tmp_path / "shop", tmp_path / "shop" / "population"):
        said = refused(words(tmp_path / "shop", tmp_path / "events.parquet", codes), capsys)
        assert said.startswith(f"--codes: {codes} lies in the experiment's folder")
        assert not (codes / "codes").exists()


def test_help_teaches(capsys):
    assert main(["infer", "--help"]) == 0
    said = capsys.readouterr().out
    for word in (
        "user_id, item_id and label",
        "known_behaviours",
        "reserved code",
        "--further_items",
        "--bank",
        "Example:",
    ):
        assert word in " ".join(said.split())


@pytest.mark.parametrize(
    ("further", "sentence"),
    [
        (("--seed", "7"), "--seed: 7, but the experiment has codes of the seeds [0]"),
        (("--bank", "served"), f"--bank: {Path('served').absolute()}, but the codes of "),
        (("--workers", "0"), "--workers: 0, expected 1 or more"),
        (("--part_users", "0"), "--part_users: 0, expected 1 or more"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(
    experiment, population, tmp_path, capsys, further, sentence
):
    assert sentence in refused(words(experiment, population, tmp_path / "codes", *further), capsys)
    assert not (tmp_path / "codes").exists()


def test_a_folder_without_an_experiment_is_refused(population, tmp_path, capsys):
    line = refused(words(tmp_path, population, tmp_path / "codes"), capsys)
    assert line.startswith(f"{tmp_path}: no experiment here (config.yaml is missing)")


def test_events_that_are_not_there_are_refused(experiment, tmp_path, capsys):
    line = refused(words(experiment, tmp_path / "no.parquet", tmp_path / "codes"), capsys)
    assert line.startswith(f"{tmp_path / 'no.parquet'}: no Parquet file here")


@pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="ray is installed")
def test_several_workers_without_ray_are_refused(experiment, population, tmp_path, capsys):
    line = refused(words(experiment, population, tmp_path / "codes", "--workers", "2"), capsys)
    assert "pip install 'userip-lightning[ray]'" in line
