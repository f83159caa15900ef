"""`userip init`: a file of one's own from a shipped configuration."""

import re
from pathlib import Path

import pytest
import yaml

from tests.cli.refusal import refused
from userip_lightning.cli import main


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_a_name_it_lists_what_there_is(elsewhere, capsys):
    assert main(["init"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {"csv", "demo", "games"} <= {line.split()[0] for line in lines}
    assert all(len(line.split()) > 3 for line in lines)
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("demo", "userip fit --config demo.yaml"),
        ("csv", "userip data head --config csv.yaml"),
        ("games", "userip fit --config games.yaml --data.source.path FILE"),
    ],
)
def test_it_writes_a_commented_file_and_says_what_to_do_next(name, command, elsewhere, capsys):
    assert main(["init", name]) == 0
    assert capsys.readouterr().out == f"{name}.yaml\nnext: {command}\n"
    text = (elsewhere / f"{name}.yaml").read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert yaml.safe_load(text)["experiment"] == name


def test_what_it_writes_needs_no_other_file(capsys):
    """Names of files beside the shipped one would not be found from here."""
    assert main(["init"]) == 0
    for name in [line.split()[0] for line in capsys.readouterr().out.splitlines()]:
        assert main(["init", name]) == 0
        text = re.sub("#.*", "", Path(f"{name}.yaml").read_text(encoding="utf-8"))
        assert re.findall(r"\S+\.yaml", text) == []


def test_the_next_command_names_the_file_that_was_written(elsewhere, capsys):
    assert main(["init", "csv", "--to", "mine.yaml"]) == 0
    assert capsys.readouterr().out == "mine.yaml\nnext: userip data head --config mine.yaml\n"
    assert [file.name for file in elsewhere.iterdir()] == ["mine.yaml"]


def test_a_file_that_is_there_stays(elsewhere, capsys):
    (elsewhere / "demo.yaml").write_text("mine")
    assert "demo.yaml: is there already; name another file with --to" in refused(["init", "demo"], capsys)
    assert (elsewhere / "demo.yaml").read_text() == "mine"
    assert len(list(elsewhere.iterdir())) == 1


def test_an_unknown_name_and_a_folder_that_is_a_file_are_one_sentence(elsewhere, capsys):
    assert "no configuration 'presets/paper'" in refused(["init", "presets/paper"], capsys)
    (elsewhere / "taken").touch()
    assert "could not be written" in refused(["init", "demo", "--to", "taken/demo.yaml"], capsys)
    assert [path.name for path in elsewhere.iterdir()] == ["taken"]


def test_a_missing_folder_is_made(elsewhere, capsys):
    assert main(["init", "demo", "--to", "absent/demo.yaml"]) == 0
    assert (elsewhere / "absent" / "demo.yaml").is_file()
