"""The command line: its help, its exit codes, and one sentence where something cannot be used."""

import errno
import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from tests.experiment import artifact_of
from userip_lightning import cli
from userip_lightning.cli import COMMANDS, NO_READER, Command, main

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def bank(finished) -> Path:
    """The codes of the finished experiment."""
    return artifact_of(finished, "quantize/seed0")


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_help_names_every_command(words, capsys):
    assert main(words) == 0
    text = capsys.readouterr().out
    assert all(command.name in text for command in COMMANDS)


@pytest.mark.parametrize(
    ("words", "unbuffered"), [(["--help"], ""), (["--help"], "1"), (["bank", "--help"], "")]
)
def test_a_reader_that_ends_early_is_no_error(words, unbuffered):
    command = subprocess.Popen(
        [sys.executable, "-m", "userip_lightning", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
    )
    command.stdout.close()
    assert command.stderr.read() == b""
    assert command.wait() == NO_READER


def test_another_broken_pipe_is_no_end_of_the_reader(monkeypatch, capfd):
    def broken(_):
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))

    monkeypatch.setattr(cli, "COMMANDS", (Command("talk", "", broken),))
    assert main(["talk"]) == 2
    assert capfd.readouterr().err == "userip talk: [Errno 32] Broken pipe\n"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_has_its_function(command):
    assert callable(command.function())


@pytest.mark.parametrize(
    ("words", "taught"),
    [
        (["fit"], "--stages"),
        (["test"], "without training"),
        (["profile"], "predict"),
        (["quantize", "fit"], "--output"),
        (["ctr", "test"], "--data.bank"),
        (["data"], "stats"),
        (["data", "stats"], "--data.k_core"),
        (["bank"], "lookup"),
        (["bank", "export"], ".parquet"),
        (["assets"], "fetch"),
        (["assets", "fetch"], "USERIP_CACHE"),
    ],
)
def test_help_teaches_at_every_level(words, taught, capsys):
    assert main([*words, "--help"]) == 0
    assert taught in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["train"], "'train'"),
        (["fit", "--config", "missing.yaml"], "missing.yaml"),
        (["fit", "--ctr.model.lr=3"], "ctr.model.lr"),
        (
            ["test", "--stages=magic", "--data.source=userip_lightning.data.sources.movielens.MovieLens100K"],
            "data.source",
        ),
        (["profile"], "userip profile fit"),
        (["ctr", "fit", "--model.lr=3"], "model.lr"),
        (["quantize", "train"], "train"),
        (["data", "shuffle"], "'shuffle'"),
        (["bank"], "info"),
        (["bank", "info", "nowhere"], "nowhere"),
        (["assets", "fetch", "--names=[llama]"], "llama"),
    ],
)
def test_what_cannot_be_used_is_one_sentence_and_code_2(words, named, capsys):
    assert main(words) == 2
    output = capsys.readouterr()
    assert named in output.err
    assert output.err.count("\n") == 1
    assert output.out == ""


def test_an_interrupt_says_that_it_can_be_resumed(monkeypatch, capsys):
    def interrupted(arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("userip_lightning.cli.COMMANDS", (Command("fit", "", interrupted),))
    assert main(["fit"]) == 130
    assert "resumes" in capsys.readouterr().err


def test_the_programs_own_mistakes_are_not_hidden(monkeypatch):
    def broken(arguments):
        raise ZeroDivisionError

    monkeypatch.setattr("userip_lightning.cli.COMMANDS", (Command("fit", "", broken),))
    with pytest.raises(ZeroDivisionError):
        main(["fit"])


def test_bank_info_is_json(bank, capsys):
    assert main(["bank", "info", str(bank)]) == 0
    info = json.loads(capsys.readouterr().out)
    assert info["users"] == 40
    assert [sum(counts) for counts in info["counts"].values()] == [40, 40]


def test_bank_lookup_and_export_agree(bank, tmp_path, capsys):
    assert main(["bank", "export", str(bank), str(tmp_path / "codes.csv")]) == 0
    capsys.readouterr()
    exported = pl.read_csv(tmp_path / "codes.csv", schema_overrides={"user_id": pl.String})
    users = exported["user_id"].to_list()
    assert main(["bank", "lookup", str(bank), *users, "nobody"]) == 0
    printed = capsys.readouterr()
    header, *lines = (line.split("\t") for line in printed.out.splitlines())
    assert header == exported.columns
    assert lines[:-1] == [list(map(str, row)) for row in exported.rows()]
    assert lines[-1] == ["nobody", "4", "3"]
    assert printed.err == "not in the bank, hence the reserved codes: nobody\n"


def test_data_is_prepared_and_described_by_an_experiments_configuration(config, cache, capsys):
    assert main(["data", "prepare", "--config", str(config)]) == 0
    folder = capsys.readouterr().out.splitlines()[-1]
    assert (Path(folder) / "manifest.json").is_file()
    assert main(["data", "stats", "--config", str(config)]) == 0
    assert "560" in capsys.readouterr().out


def frameworks_of(*words: str) -> str:
    """The training frameworks that a command imports."""
    program = (
        "import sys; from userip_lightning.cli import main; "
        f"assert main({list(words)!r}) == 0; print(*sorted({{'torch', 'lightning'}} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return done.stdout.splitlines()[-1]


def test_the_bank_is_read_without_a_training_framework(bank):
    assert frameworks_of("bank", "info", str(bank)) == ""


def test_a_log_is_sniffed_and_made_without_a_training_framework(tmp_path):
    made = ["data", "synthesize", f"--to={tmp_path}", "--users=20", "--rows_per_user=8"]
    assert frameworks_of(*made) == ""
    assert frameworks_of("data", "sniff", str(tmp_path / "events.csv")) == ""


def test_an_old_python_is_told_in_one_sentence(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 18, "final", 0))
    with pytest.raises(SystemExit, match=r"^userip: Python 3\.10 or newer is needed"):
        runpy.run_path(str(ROOT / "userip_lightning" / "__init__.py"))
