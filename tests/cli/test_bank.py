"""`userip bank` and `userip verify` on small banks."""

import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.cli.refusal import refused
from tests.forged import aged
from userip_lightning.artifact import Manifest
from userip_lightning.bank import FeatureBank
from userip_lightning.cli import main

IDS = ["-17", "-ann", "-h2", "--", "7", "=1+1"]


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    manifest = Manifest("bank", config_hash="c", data_hash="d", users=0)
    codes = np.arange(len(IDS))[:, None]
    FeatureBank.write(tmp_path / "bank", IDS, codes, ["hobby"], [len(IDS)], manifest, np.arange(2))
    return tmp_path / "bank"


def rows(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    lines = (line.split("\t") for line in capsys.readouterr().out.splitlines()[1:])
    return {line[0]: line[1] for line in lines}


@pytest.mark.parametrize(
    "words", [["-17"], ["7", "-17", "-ann"], ["-h2", "--", "--"], ["--", "-17", "--"], ["-ann", "--", "-17"]]
)
def test_ids_may_begin_with_a_dash(words: list[str], bank: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bank", "lookup", str(bank), *words]) == 0
    asked = [word for at, word in enumerate(words) if word != "--" or "--" in words[:at]]
    assert rows(capsys) == {user: str(IDS.index(user)) for user in asked}


def test_options_are_options_still(bank: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bank", "lookup", "-h"]) == 0
    assert "usage" in capsys.readouterr().out
    sentence = refused(["bank", "lookup", str(bank), "--ann"], capsys)
    assert "--ann: no such setting; check its spelling, and put ids that begin with -- after --" in sentence
    assert "17: no such setting" in refused(["bank", "info", str(bank), "-17"], capsys)


def test_ids_are_those_of_the_rule(bank: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bank", "lookup", str(bank), "7.0", "-17.0"]) == 0
    assert rows(capsys) == {"7": "4", "-17": "0"}
    assert "users: number 2 is missing" in refused(["bank", "lookup", str(bank), "7", " "], capsys)


def test_forget_takes_a_dash(bank: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bank", "forget", str(bank), "-ann", "7.0"]) == 0
    assert FeatureBank.open(bank).users["user_id"].to_list() == ["--", "-17", "-h2", "=1+1"]


def test_formulas_are_escaped_unless_they_are_wanted(bank: Path, tmp_path: Path) -> None:
    file = tmp_path / "codes.csv"
    assert main(["bank", "export", str(bank), str(file)]) == 0
    assert "'=1+1" in pl.read_csv(file, infer_schema=False)["user_id"].to_list()
    assert main(["bank", "export", str(bank), str(file), "--formulas"]) == 0
    assert sorted(pl.read_csv(file, infer_schema=False)["user_id"]) == sorted(IDS)


def test_verify_says_which_file_is_damaged(bank: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["verify"], ["bank", "verify"]):
        assert main([*command, str(bank)]) == 0
        assert capsys.readouterr().out == "1 artifact, 5 files hashed\n"
    folder = FeatureBank.open(bank).path
    for name in ("codes.npy", "rows_seen.npy"):
        content = bytearray((folder / name).read_bytes())
        content[-1] ^= 1
        (folder / name).write_bytes(content)
    (folder / "keys.npy").unlink()
    assert main(["verify", str(bank)]) == 2
    *told, last = capsys.readouterr().err.splitlines()
    damaged = "the file is damaged (its content is not what was written)."
    assert told == [
        f"{folder / 'codes.npy'}: {damaged}",
        f"{folder / 'keys.npy'}: the file is missing.",
        f"{folder / 'rows_seen.npy'}: {damaged}",
    ]
    assert "3 damaged files; restore what is damaged from a copy" in last


def test_verify_of_an_earlier_version_and_of_nothing(
    bank: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    aged(FeatureBank.open(bank).path)
    assert main(["verify", str(bank.parent)]) == 0
    said = capsys.readouterr().out
    assert "without hashes (sizes alone were checked): 1" in said
    assert "no artifact here" in refused(["verify", str(tmp_path / "nowhere")], capsys)


def test_a_store_is_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for address in ("sqlite:///shop.sqlite", "redis://localhost/codes"):
        for words in (
            ["export", address, "x.csv"],
            ["verify", address],
            ["prune", address, "--keep", "1"],
            ["push", address, "--to", "sqlite:///other.sqlite"],
            ["forget", address, "7"],
        ):
            sentence = refused(["bank", *words], capsys)
            assert sentence.startswith(f"{address.partition(':')[0]}://")
            assert (
                "this is a store, and a bank's folder is needed; pull it first, `userip bank pull "
                in sentence
            )


def test_an_experiments_folder_names_its_banks(
    bank: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "runs" / "shop"
    for place, named in (("catalogue/key", "catalogue/key"), ("serving/seed0", "serving/seed0")):
        shutil.copytree(bank, root / place)
        sentence = refused(["bank", "info", str(root)], capsys)
        assert sentence == f"{root}: this is an experiment's folder; name a bank in it, {root / named}."
