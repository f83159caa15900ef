"""The CUDA part of the tests (tests/test_cuda.py): a row per stage, with how many passed."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from benchmarks.gpu.child import Child, start

_FILE = Path(__file__).parents[2] / "tests" / "test_cuda.py"
#: Class in the file to row of the table.
_ROWS = {
    "TestPerUserEngine": "per-user engine on CUDA",
    "TestCatalogueEngine": "catalogue engine on CUDA",
    "TestLikelihoodPrior": "likelihood prior on CUDA",
    "TestQuantize": "quantize on CUDA",
    "TestCTR": "CTR on CUDA",
}


class Told:
    """A plugin that tells a stage's row after each of its tests."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self._seen: dict[str, dict[str, Any]] = defaultdict(lambda: {"passed": 0, "failed": 0, "skipped": 0})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test where it ended: in its call, or before it came to that."""
        if report.when != "call" and report.outcome == "passed":
            return
        row = next((row for name, row in _ROWS.items() if f"::{name}::" in report.nodeid), None)
        if row is None:
            return
        counts = self._seen[row]
        counts[report.outcome] += 1
        if report.outcome == "failed":
            counts.setdefault("first failure", report.nodeid.rpartition("::")[2])
        self._child.tell(row, **counts)


def measure(child: Child) -> None:
    """All rows of the step."""
    if child.dry:
        os.environ["USERIP_CUDA_TESTS_ON"] = "cpu"
    words = [str(_FILE), "-q", "-p", "no:cacheprovider", "--timeout", "0", "--basetemp"]
    words.append(str(child.folder / "pytest"))
    chosen = ["-k", "TestCTR and float32"] if child.dry else []
    pytest.main([*words, *chosen], plugins=[Told(child)])


if __name__ == "__main__":
    start(measure)
