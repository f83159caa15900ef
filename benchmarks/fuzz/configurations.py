"""Damaged configurations: accepted, or one sentence and exit code 2. Nothing is trained."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import yaml

from benchmarks.fuzz.case import (
    REFUSED,
    RIGHT,
    SENTENCE,
    TRACEBACK,
    Kind,
    Outcome,
    fault_of_sentence,
    raised,
    short,
)
from benchmarks.fuzz.yaml_damage import damaged_yaml
from tests.experiment import SETTINGS, TINY
from userip_lightning.cli import experiment as experiment_command
from userip_lightning.cli import main
from userip_lightning.cli import regimes as regimes_command
from userip_lightning.cli import reproduce as reproduce_command
from userip_lightning.pipeline import data_location as located
from userip_lightning.pipeline.config import Experiment, preparation
from userip_lightning.pipeline.process_group import World
from userip_lightning.pipeline.process_layout import layout_of
from userip_lightning.reproduce.baseline_settings import read_baseline
from userip_lightning.reproduce.choice import Choice
from userip_lightning.reproduce.regimes.run import Plan
from userip_lightning.reproduce.regimes.settings import check as check_regimes
from userip_lightning.reproduce.settings import Study
from userip_lightning.reproduce.settings import check as check_study

CONFIGS = Path(__file__).parents[2] / "configs"


class _Done(Exception):
    """A command has got as far as its work."""


def _fit(experiment: Experiment, *_: object) -> None:
    """What `userip fit` does before it reads the log."""
    preparation(experiment, lambda line: None)
    raise _Done


@contextlib.contextmanager
def _processes(words: Sequence[str], trainers: Sequence[Mapping[str, Any]]) -> Iterator[World]:
    """Ask how many processes are meant, and start none."""
    layout_of(trainers)
    yield World()


def _study(name: str, study: Study, choice: Choice, display: object) -> None:
    check_study(study)
    for label, given in study.baselines.items():
        read_baseline(label, given)
    raise _Done


def _all_tables(study: Study, choice: Choice, display: object) -> None:
    _study("all", study, choice, display)


def _regimes(plan: Plan, display: object) -> None:
    check_regimes(plan.regimes, plan.settings.controls)
    raise _Done


#: What the commands call once they have read their settings, and what they call here.
_DRY: tuple[tuple[Any, str, Callable[..., Any]], ...] = (
    (experiment_command, "fit_experiment", _fit),
    (experiment_command, "processes", _processes),
    (reproduce_command, "make", _study),
    (reproduce_command, "reproduce_all", _all_tables),
    (regimes_command, "reproduce_regimes", _regimes),
    (located, "ensure_ml100k", lambda report: TINY),
)


def _command(file: Path, damaged: Path) -> list[str]:
    """The words for a configuration of that name and folder, with the damaged one in its place."""
    demo = str(CONFIGS / "demo.yaml")
    if file.parent.name == "presets":
        return ["fit", "--config", demo, "--config", str(damaged)]
    if file.parent.name == "codes":
        return ["fit", "--config", demo, "--config", str(damaged)]
    if file.parent.name == "baselines":
        return [
            "reproduce",
            "table2",
            "--config",
            str(CONFIGS / "reproduce" / "ml100k.yaml"),
            f"--baselines.X={damaged}",
        ]
    if file.name.startswith("regimes"):
        return ["reproduce", "regimes", "--config", str(damaged)]
    if file.name == "all.yaml":
        study = str(CONFIGS / "reproduce" / "ml100k.yaml")
        return ["reproduce", "all", "--config", study, "--config", str(damaged)]
    if file.parent.name == "reproduce":
        return ["reproduce", "table2", "--config", str(damaged)]
    return ["fit", "--config", str(damaged)]


class Configurations(Kind):
    """Every YAML of ``configs/`` and the tests' tiny experiment."""

    name = "configurations"

    def open(self, folder: Path) -> None:
        self.texts = {file: file.read_text(encoding="utf-8") for file in sorted(CONFIGS.rglob("*.yaml"))}
        self.texts[CONFIGS / "tiny.yaml"] = yaml.safe_dump(SETTINGS)
        os.environ["USERIP_CACHE"] = str(folder / "cache")
        self.patches = [patch.object(module, name, new) for module, name, new in _DRY]

    def run(self, seed: int, scratch: Path) -> Outcome:
        rng = self.random(seed)
        file = rng.choice(list(self.texts))
        canary = scratch / "canary"
        raw, words = damaged_yaml(self.texts[file], rng, canary)
        # Files name others beside them, so the damaged one has its place among links to the whole ones.
        damaged = _beside(file, scratch / "configs")
        damaged.write_bytes(raw)
        words = f"{file.relative_to(CONFIGS)}: {words}"
        errors = io.StringIO()
        try:
            code = self._main(_command(file, damaged), errors)
        except _Done:
            code = 0
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return raised(words, error)
        if canary.exists():
            return Outcome(TRACEBACK, words, "the configuration has run code")
        return _judged(words, code, errors.getvalue())

    def _main(self, words: list[str], errors: io.StringIO) -> int:
        with contextlib.ExitStack() as stack:
            for one in self.patches:
                stack.enter_context(one)
            stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
            stack.enter_context(contextlib.redirect_stderr(errors))
            return main(words)


def _judged(words: str, code: int, errors: str) -> Outcome:
    if code == 0:
        return Outcome(RIGHT, words)
    lines = [line for line in errors.splitlines() if line.strip()]
    fault = f"{len(lines)} lines" if len(lines) != 1 else fault_of_sentence(lines[0])
    if code != 2 or fault is not None:
        return Outcome(SENTENCE, words, short(f"exit code {code}, {fault}: {errors}"))
    return Outcome(REFUSED, words, short(lines[0]))


def _beside(file: Path, root: Path) -> Path:
    """A tree of links to all configurations but ``file``; returns that one's place."""
    for other in CONFIGS.rglob("*.yaml"):
        link = root / other.relative_to(CONFIGS)
        link.parent.mkdir(parents=True, exist_ok=True)
        if other != file:
            link.symlink_to(other)
    return root / file.relative_to(CONFIGS)
