"""What `userip fit` prints into a log: lines of its own, and none that a library prints by itself."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

OWN = re.compile(
    r"prepared data: .*"
    r"|\[\d+/\d+(, (\d+ h )?\d+ (s|min) left)?\] [a-z0-9/_]+: done in \d+\.\d s, [\d,]+ MiB at most"
    r"|\[\d+/\d+\] [a-z0-9/_]+: nothing changed, kept"
    r"|[^:]+: [\d,]+(/[\d,]+)?( \w+)?(, .*)?"
    r"|warning: profile .*; lower its size: .*"
    r"|report: all figures are in \S+"
)
SHORT = ("--seeds", "[0]", "--controls", "[]")


def lines(config: Path, output: Path) -> list[str]:
    """Standard error of a fit in a process of its own, where nothing is imported or silenced yet."""
    command = [sys.executable, "-m", "userip_lightning", "fit", "--config", str(config), *SHORT]
    done = subprocess.run(
        [*command, "--output", str(output)], capture_output=True, text=True, check=False, timeout=280
    )
    assert done.returncode == 0, done.stderr
    return done.stderr.splitlines()


@pytest.mark.parametrize("kind", ["config", "catalogue_config"])
def test_only_own_lines(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    said = lines(request.getfixturevalue(kind), tmp_path)
    assert [line for line in said if not OWN.fullmatch(line)] == []
    assert any("done in" in line for line in said)
    assert said[-1].startswith("report: ")
