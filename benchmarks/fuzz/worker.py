"""A process that runs one case after another, with a limit on its memory."""

from __future__ import annotations

import faulthandler
import os
import resource
import shutil
import signal
import sys
from collections.abc import Mapping
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from benchmarks.fuzz.case import Kind, Outcome, raised

#: What a case may take beyond what its kind has taken when it was opened.
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Task(NamedTuple):
    """What a worker is asked for.

    Args:
        kind: where its class is, as ``module:name``.
        folder: what all of its cases start from.
        seed: of the case; None to build that folder.
        scratch: empty folder for the case.
        memory: bytes that a case may take.
    """

    kind: str
    folder: Path
    seed: int | None
    scratch: Path
    memory: int


def work(connection: Connection, log: Path, environment: Mapping[str, str]) -> None:
    """Answer tasks with outcomes until the other end closes.

    Args:
        connection: to the process that asks.
        log: takes what libraries write to standard error, an abort's last words among it.
        environment: that of the process that asks; a server that forks has an older one.
    """
    os.environ.clear()
    os.environ.update(environment)
    with log.open("w") as words:
        os.dup2(words.fileno(), 2)
        os.dup2(words.fileno(), 1)
    sys.stdout = sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1)
    opened: dict[str, Kind] = {}
    while True:
        try:
            task: Task = connection.recv()
        except EOFError:
            return
        connection.send(_done(task, opened))


def _done(task: Task, opened: dict[str, Kind]) -> Outcome | None:
    if task.seed is None:
        _limit(None)
        kind_of(task.kind).build(task.folder)
        return None
    if task.kind not in opened:
        opened[task.kind] = kind_of(task.kind)
        _limit(None)
        opened[task.kind].open(task.folder)
        _limit(task.memory)
    shutil.rmtree(task.scratch, ignore_errors=True)
    task.scratch.mkdir(parents=True)
    try:
        outcome = opened[task.kind].run(task.seed, task.scratch)
    except BaseException as error:  # the harness itself is wrong; say so and go on
        outcome = raised("the case itself", error)
    if not outcome.is_finding:
        shutil.rmtree(task.scratch, ignore_errors=True)
    return outcome


def kind_of(name: str) -> Kind:
    """An object of the class that ``module:name`` names."""
    module, _, attribute = name.partition(":")
    kind: Kind = getattr(import_module(module), attribute)()
    return kind


def _limit(more: int | None) -> None:
    """Let this process have that much more address space than it has; any where None."""
    ceiling = resource.RLIM_INFINITY
    if more is not None:
        ceiling = int(Path("/proc/self/statm").read_text().split()[0]) * _PAGE + more
    resource.setrlimit(resource.RLIMIT_AS, (ceiling, resource.RLIM_INFINITY))
