"""What every refusal looks like: exit code 2, one sentence, nothing that a reader would take for whole."""

import re
from pathlib import Path

import pytest

from userip_lightning.cli import main

#: What `userip fit` says before it meets the bad input.
_PROGRESS = re.compile(
    r"(\[\d+/\d+[^]]*\] )?(prepared data|(profile|quantize|ctr/\w+)/seed\d+)(: | epoch | test | validation )"
)


def refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The sentence with which a command line is refused.

    Args:
        words: after `userip`.
        capsys: the test's.
    """
    capsys.readouterr()
    assert main(words) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line and not _PROGRESS.match(line)]
    assert len(lines) == 1, lines
    (line,) = lines
    start = f"userip {words[0]}: "
    assert line.startswith(start)
    assert line.endswith(".")
    return line.removeprefix(start)


def artifacts(*roots: Path) -> list[Path]:
    """Whatever a reader could open under these folders, and whatever half-written still lies there."""
    whole = ("manifest.json", "CURRENT", "results.json", "report.md")
    return [
        file
        for root in roots
        for file in root.rglob("*")
        if file.name in whole or file.suffix in (".part", ".old")
    ]
