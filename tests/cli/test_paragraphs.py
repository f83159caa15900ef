"""Help that can be read: paragraphs apart, an example a line."""

import pytest

from userip_lightning.cli import main


@pytest.mark.parametrize("words", [["bank", "forget"], ["verify"], ["bank", "push"]])
def test_paragraphs_and_examples_stay_apart(words, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert main([*words, "--help"]) == 0
    shown = capsys.readouterr().out
    description = shown.partition("\n\n")[2].partition("\n\npositional arguments:")[0]
    *paragraphs, examples = description.split("\n\n")
    assert len(paragraphs) >= 2
    label, *commands = examples.splitlines()
    assert label == "Examples:"
    assert all(line.startswith("  userip ") for line in commands)
