"""Commands on a finished experiment in which one file is damaged: what they print, or one sentence."""

from __future__ import annotations

import contextlib
import io
import os
import random
import re
import shutil
from pathlib import Path
from typing import NamedTuple

from benchmarks.fuzz.case import RIGHT, SENTENCE, WRONG, Kind, Outcome, fault_of_sentence, raised, short
from benchmarks.fuzz.damage import damage
from benchmarks.fuzz.experiment import CATALOGUE, codes_of, finish, prepared_of
from userip_lightning.cli import main

#: Lines of progress, of which only the time of day is meant to differ.
_PROGRESS = re.compile(r"^(prepared data|report|profile|quantize|catalogue|ctr)\b.*: ")


class Said(NamedTuple):
    """What a command has said."""

    code: int
    output: str
    complaints: list[str]


class Commands(Kind):
    """`bank`, `explain`, `infer` and `test` with the catalogue engine's tiny experiment."""

    name = "commands"

    def build(self, folder: Path) -> None:
        super().build(folder)
        run = finish(folder / "made", CATALOGUE)
        shutil.copytree(prepared_of(run), folder / "whole" / "cache" / prepared_of(run).name)
        shutil.copytree(run, folder / "whole" / "run")

    def open(self, folder: Path) -> None:
        self.whole = folder / "whole"
        self.truth: dict[str, Said] = {}

    def run(self, seed: int, scratch: Path) -> Outcome:
        rng = self.random(seed)
        command = rng.choice(list(self._commands(self.whole)))
        if command not in self.truth:
            self.truth[command] = self._said(command, Path(shutil.copytree(self.whole, scratch / "all")))
            shutil.rmtree(scratch / "all")
        copy = Path(shutil.copytree(self.whole, scratch / "all"))
        target = rng.choice(
            [copy / "run", codes_of(copy / "run"), copy / "cache", copy / "run" / "config.yaml"]
        )
        words = f"{command}: {damage(target, rng) if target.is_dir() else _edited(target, rng)}"
        try:
            said = self._said(command, copy)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return raised(words, error)
        return self._judged(words, said, self.truth[command])

    def _commands(self, root: Path) -> dict[str, list[str]]:
        run = root / "run"
        bank = str(codes_of(run))
        events = str(next((self.whole / "cache").glob("prepared-*")) / "events.parquet")
        return {
            "bank info": ["bank", "info", bank],
            "bank lookup": ["bank", "lookup", bank, "1", "2", "nobody"],
            "bank export": ["bank", "export", bank, str(root / "codes.csv")],
            "explain": ["explain", str(run), "--lm", "none", "--json"],
            "explain user": ["explain", str(run), "--lm", "none", "--user", "5"],
            "infer": ["infer", str(run), "--events", events, "--codes", str(root / "codes")],
            "test": [
                "test",
                "--config",
                str(run / "config.yaml"),
                "--output",
                str(root),
                "--experiment",
                "run",
            ],
        }

    def _said(self, command: str, root: Path) -> Said:
        os.environ["USERIP_CACHE"] = str(root / "cache")
        words = self._commands(root)[command]
        output, complaints = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(complaints):
            code = main(words)
        text = output.getvalue().replace(str(root), "ROOT")
        if command == "bank export" and code == 0:
            text += (root / "codes.csv").read_text()
        lines = [line for line in complaints.getvalue().splitlines() if line and not _PROGRESS.match(line)]
        return Said(code, text, lines)

    def _judged(self, words: str, said: Said, right: Said) -> Outcome:
        if said.code == 0:
            if said.output == right.output:
                return Outcome(RIGHT, words)
            return Outcome(WRONG, words, short(_first_difference(said.output, right.output)))
        lines = [line for line in said.complaints if line not in right.complaints]
        fault = "no sentence" if not lines else fault_of_sentence("\n".join(lines))
        if said.code != 2 or fault is not None:
            return Outcome(SENTENCE, words, short(f"exit code {said.code}, {fault}: {lines}"))
        return Outcome("refused", words, short(lines[0]))


def _edited(file: Path, rng: random.Random) -> str:
    """A line less in a configuration."""
    lines = file.read_text().splitlines()
    at = rng.randrange(len(lines))
    file.write_text("\n".join(lines[:at] + lines[at + 1 :]) + "\n")
    return f"{file.name}: without its line {at + 1}, {lines[at].strip()}"


def _first_difference(found: str, right: str) -> str:
    for ours, theirs in zip(found.splitlines(), right.splitlines(), strict=False):
        if ours != theirs:
            return f"{ours.strip()} instead of {theirs.strip()}"
    return f"{len(found)} characters instead of {len(right)}"
