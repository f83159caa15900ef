"""What the README and its pages on commands tell a reader to type, save or open exists and is accepted."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.experiment import artifact_of
from userip_lightning.cli import main
from userip_lightning.reproduce.every_table import ALL, names

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


PAGES = [
    README,
    *((ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("commands.md", "profile_engine.md")),
]


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


COMMANDS = [
    list(words)
    for words in dict.fromkeys(
        tuple(shlex.split(line, comments=True)[1:])
        for page in PAGES
        for block in blocks("bash", page)
        for line in block.splitlines()
        if line.startswith("userip ")
    )
]
CONFIGURED = [words for words in COMMANDS if "--config" in words]
PLAIN = [words for words in COMMANDS if "--config" not in words]


@pytest.mark.parametrize("words", CONFIGURED, ids=" ".join)
def test_a_configured_command_accepts_its_settings(words, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    assert main([*words, *({"--print_config"} - set(words))]) == 0
    named = "study:" if words[0] == "reproduce" and words[1] != "regimes" else "experiment:"
    assert named in capsys.readouterr().out


@pytest.mark.parametrize("words", PLAIN, ids=" ".join)
def test_a_plain_command_exists(words, capsys):
    if words[0] in ("explain", "infer", "refresh", "steer"):  # their first word is a folder
        assert main([words[0], "--help"]) == 0
        described = capsys.readouterr().out
        assert [word for word in words if word.startswith("--") and word not in described] == []
        return
    assert main([*words[:2], "--help"]) == 0
    assert re.match(rf"usage: userip {words[0]} (\[options\] )?{words[1]} ", capsys.readouterr().out)


def test_the_configuration_for_data_of_ones_own_is_accepted(tmp_path, monkeypatch, capsys):
    (own,) = blocks("yaml")
    (tmp_path / "mine.yaml").write_text(own, encoding="utf-8")
    monkeypatch.chdir(ROOT)
    assert main(["fit", "--config", str(tmp_path / "mine.yaml"), "--print_config"]) == 0
    printed = yaml.safe_load(capsys.readouterr().out)
    assert printed["data"]["source"]["init_args"]["path"] == "events.csv"
    assert printed["engine"] == "catalogue"


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake ([a-z0-9-]+)", README.split("## ")[0]))))
def test_the_make_targets_on_top_exist(target, tmp_path):
    plan = subprocess.run(
        ["make", "--dry-run", target, f"VENV={tmp_path}/venv"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--constraint constraints.txt" in plan.stdout


def test_every_table_and_figure_has_a_make_target_that_says_what_it_is():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    shown = re.findall(r"^reproduce-([a-z0-9]+):.*## \S", makefile, re.MULTILINE)
    assert sorted(shown) == sorted([*names(), ALL])
    for name in names():
        plan = subprocess.run(
            ["make", "--dry-run", f"reproduce-{name}", f"VENV={ROOT}/none"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert f"userip reproduce {name} --config configs/reproduce/ml100k.yaml\n" in plan.stdout


def test_the_target_of_all_tables_puts_its_settings_on_top(tmp_path):
    words = ["make", "--dry-run", "reproduce-all", f"VENV={tmp_path}/venv"]
    plan = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    (command,) = (line for line in plan.stdout.splitlines() if "reproduce all" in line)
    files = ["configs/reproduce/ml100k.yaml", "configs/reproduce/all.yaml"]
    assert shlex.split(command)[-4:] == ["--config", files[0], "--config", files[1]]


def test_every_file_it_names_is_there():
    named = re.findall(r"\]\((?!http)([^)]+)\)", README) + re.findall(r"configs/[\w/]+\.yaml", README)
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_the_bank_commands_do_what_they_show(finished, tmp_path, monkeypatch, capsys):
    bank = artifact_of(finished, "quantize/seed0")
    monkeypatch.chdir(tmp_path)
    shown = {words[1]: words for words in COMMANDS if words[0] == "bank"}
    assert set(shown) == {"info", "lookup", "export"}
    for words in shown.values():
        assert main([str(bank) if word == "BANK" else word for word in words]) == 0
    out, ids = capsys.readouterr().out, shown["lookup"][3:]
    assert all(user.isdigit() for user in ids)  # as MovieLens writes them, not a list in one word
    assert all(f"\n{user}\t" in out for user in ids)
    assert (tmp_path / shown["export"][3]).is_file()
