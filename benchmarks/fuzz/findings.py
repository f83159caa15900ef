"""Findings: one JSON line each, and the input that showed it."""

from __future__ import annotations

import json
import re
import shutil
from collections import defaultdict
from pathlib import Path

from benchmarks.fuzz.case import Outcome

_INPUTS_KEPT = 20  # of findings that are alike


class Findings:
    """Collects them.

    Args:
        folder: gets ``findings.jsonl`` and ``inputs/KIND-SEED``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0
        self._alike: dict[tuple[str, ...], list[str]] = defaultdict(list)

    def add(self, kind: str, seed: int, outcome: Outcome, scratch: Path) -> Path | None:
        """Keep one; returns where its input lies, None where enough alike are there."""
        self.count += 1
        alike = self._alike[_signature(kind, outcome)]
        alike.append(f"{kind}:{seed}  {outcome.mutation}  ->  {outcome.told}")
        kept = None
        self.folder.mkdir(parents=True, exist_ok=True)
        if len(alike) <= _INPUTS_KEPT and scratch.is_dir():
            kept = self.folder / "inputs" / f"{kind}-{seed}"
            shutil.rmtree(kept, ignore_errors=True)
            kept.parent.mkdir(exist_ok=True)
            shutil.move(scratch, kept)
        line = {"kind": kind, "seed": seed, **outcome._asdict(), "input": kept and str(kept)}
        with (self.folder / "findings.jsonl").open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(json.dumps(line, ensure_ascii=True) + "\n")
        return kept

    def summary(self) -> str:
        """Alike ones together, the most frequent first, an example of each."""
        groups = sorted(self._alike.items(), key=lambda group: -len(group[1]))
        return "\n".join(
            f"{len(alike):6,}  {' / '.join(filter(None, key))}\n        {alike[0]}" for key, alike in groups
        )


def _signature(kind: str, outcome: Outcome) -> tuple[str, ...]:
    """Findings of one cause have the same, as far as can be told from outside."""
    detail = "" if outcome.error else " ".join(re.findall(r"\b[a-z]{2,}\b", outcome.told)[:4])
    return kind, outcome.verdict, outcome.error, outcome.where, detail
