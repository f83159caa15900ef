"""`userip dashboard`: a file without an account, one sentence where something is missing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from userip_lightning.cli import main

ROOT = Path(__file__).parent.parent.parent
MISSING = """
import sys
sys.modules["wandb_workspaces"] = None  # as if it were not installed
from userip_lightning.cli import main
sys.exit(main(["dashboard", "--entity", "team"]))
"""


@pytest.fixture
def extra() -> None:
    """Skips where the extra is not installed."""
    pytest.importorskip("wandb_workspaces", reason="dashboards are an extra: pip install -e '.[dashboard]'")


def test_its_help_says_what_needs_no_account(capsys):
    assert main(["dashboard", "--help"]) == 0
    text = capsys.readouterr().out
    assert all(option in text for option in ("--entity", "--project", "--split", "needs no account"))


@pytest.mark.usefixtures("extra")
def test_it_is_written_to_a_file_and_printed(tmp_path, capsys):
    file = tmp_path / "view.json"
    words = ["dashboard", "--entity", "team", "--project", "mine", "--split", "temporal", "--output"]
    assert main([*words, str(file)]) == 0
    assert capsys.readouterr().out == f"{file}\n"
    written = json.loads(file.read_text(encoding="utf-8"))
    assert (written["entity"], written["project"]) == ("team", "mine")
    assert main([*words, "-"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["spec"]["section"]["runSets"] == written["spec"]["section"]["runSets"]


@pytest.mark.usefixtures("extra")
@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--entity", "team", "--output", "nowhere/view.json"], "nowhere/view.json: could not be written"),
        (["--entity", "team", "--dataset", "a=b", "--output", "-"], "--dataset: 'a=b' given"),
        (["--output", "-"], "entity"),
        (["--entity", "team", "--colour", "blue"], "colour"),
    ],
)
def test_what_cannot_be_used_is_one_sentence_and_code_2(words, named, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main(["dashboard", *words]) == 2
    output = capsys.readouterr()
    assert named in output.err
    assert (output.out, output.err.count("\n")) == ("", 1)


def test_without_the_extra_it_says_what_to_install():
    done = subprocess.run(
        [sys.executable, "-c", MISSING], capture_output=True, text=True, check=False, cwd=ROOT, timeout=60
    )
    assert done.returncode == 2
    assert "pip install 'userip-lightning[dashboard]'" in done.stderr
    assert done.stderr.count("\n") == 1
