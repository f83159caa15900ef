"""Results as they come: a JSON line each in ``gpu.jsonl``, and all of them as a table in ``gpu.md``."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.gpu.steps import Step

#: Of a row that no step has reached.
WAITING = "not reached"


class Figures:
    """Both files, written anew from the start.

    Args:
        folder: where they lie; made if need be.
        steps: whose rows the table has, in this order.
        title: a line above the table: what ran where.
    """

    def __init__(self, folder: Path, steps: Sequence[Step], title: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lines, self._table = folder / "gpu.jsonl", folder / "gpu.md"
        self._lines.write_text("", encoding="utf-8")
        self._title, self._begun = title, time.monotonic()
        self._rows = {(step.name, row): f"not run: {WAITING}" for step in steps for row in step.rows}
        self._write()

    def open_rows(self, step: Step) -> list[str]:
        """Rows of ``step`` that have no result yet."""
        return [row for row in step.rows if self._rows[step.name, row] == f"not run: {WAITING}"]

    def add(self, step: str, row: str, figures: Mapping[str, Any] | None = None, reason: str = "") -> None:
        """Append a result, or the reason why there is none, and write the table."""
        line = {
            "step": step,
            "row": row,
            "state": "measured" if figures else "not run",
            "figures": dict(figures or {}),
            "reason": reason,
            "at_s": round(time.monotonic() - self._begun, 1),
        }
        with open(self._lines, "a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        parts = [written(figures)] if figures else []
        parts += [f"not run: {reason}" if not figures else reason] if reason else []
        self._rows[step, row] = "; ".join(parts)
        self._write()

    def _write(self) -> None:
        draft = self._table.with_suffix(".draft")
        draft.write_text(f"{self._title}\n\n{table(self._rows)}", encoding="utf-8")
        os.replace(draft, self._table)


def table(rows: Mapping[tuple[str, str], str]) -> str:
    """A Markdown table of (step, row) to what is to be said of it."""
    lines = ["| step | what | result |", "|---|---|---|"]
    lines += [f"| {step} | {row} | {_cell(told)} |" for (step, row), told in rows.items()]
    return "\n".join(lines) + "\n"


def written(figures: Mapping[str, Any]) -> str:
    """Figures in one line, numbers to four digits."""
    return ", ".join(f"{name} {_number(value)}" for name, value in figures.items())


def _number(value: Any) -> str:
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) else str(value)
    if value != value or abs(value) in (0.0, float("inf")):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "/").split())
