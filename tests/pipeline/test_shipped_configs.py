"""Shipped configurations by name: a local file wins, and an unknown name is told what there is."""

from pathlib import Path

import pytest

from userip_lightning.errors import InputError
from userip_lightning.pipeline.shipped_configs import (
    shipped_file,
    shipped_folder,
    shipped_names,
    with_configurations,
)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shipped(name: str) -> str:
    return str(shipped_folder() / f"{name}.yaml")


def test_every_configuration_has_a_name():
    files = sorted(shipped_folder().rglob("*.yaml"))
    assert [shipped_file(name) for name in shipped_names()] == sorted(files, key=lambda file: str(file)[:-5])
    assert {"demo", "csv", "games", "presets/paper", "reproduce/ml100k"} <= set(shipped_names())


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("demo", "demo"),
        ("games.yaml", "games"),
        ("presets/paper", "presets/paper"),
        ("configs/presets/paper.yaml", "presets/paper"),
    ],
)
def test_a_name_becomes_the_shipped_file(given, name, capsys):
    words = ["fit", "-c", given, f"--config={given}", "--seeds", "[0]"]
    assert with_configurations(words) == ["fit", "-c", shipped(name), f"--config={shipped(name)}", *words[4:]]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("file", "given"), [("demo.yaml", "demo.yaml"), ("demo.yaml", "demo"), ("demo", "demo")]
)
def test_a_local_file_wins_and_the_command_says_so(file, given, elsewhere, capsys):
    (elsewhere / file).write_text("seed: 1\n")
    assert with_configurations(["--config", given]) == ["--config", file]
    said = capsys.readouterr().err
    assert said.startswith(f"{file}: the file in this folder is used")
    assert shipped("demo") in said
    assert said.count("\n") == 1


def test_a_file_without_a_namesake_and_a_link_to_the_shipped_one_are_used_silently(elsewhere, capsys):
    (elsewhere / "mine.yaml").write_text("seed: 1\n")
    (elsewhere / "games.yaml").symlink_to(shipped("games"))
    words = ["--config", "mine.yaml", "--config", "games.yaml"]
    assert with_configurations(words) == words
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("given", ["{}", "seed: 3", "/nowhere/x.yaml", "../x.yaml", "~/x.yaml", ""])
def test_what_is_no_name_stays(given):
    assert with_configurations(["--config", given]) == ["--config", given]


@pytest.mark.parametrize(
    ("given", "near"), [("gamse.yaml", "games"), ("papre", "presets/paper"), ("qqqq", "demo, games")]
)
def test_an_unknown_name_is_one_sentence_with_what_there_is(given, near):
    with pytest.raises(InputError, match=rf"^{given}: no such file, and no shipped configuration .*{near}"):
        with_configurations(["--config", given])
