"""Processes of tests, forked from a server that has imported what they need, which takes ten seconds."""

import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(
    ["userip_lightning.cli.experiment", "tests.pipeline.killer", "tests.distributed.preload"]
)


def start(
    words: Sequence[str], said: Path, environment: Mapping[str, str] | None = None
) -> ForkServerProcess:
    """`userip WORDS` as a process of its own.

    Args:
        words: of the command line.
        said: file that takes its standard error.
        environment: beside this process's.
    """
    process = SERVER.Process(target=_command, args=(words, said, {**os.environ, **(environment or {})}))
    process.start()
    return process


def _command(words: Sequence[str], said: Path, environment: Mapping[str, str]) -> None:
    from userip_lightning.cli import main

    os.environ.update(environment)
    with said.open("w") as file:
        os.dup2(file.fileno(), 2)
    sys.exit(main(list(words)))
