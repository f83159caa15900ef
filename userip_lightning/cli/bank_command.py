"""What a command of `userip bank` consists of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from jsonargparse import ArgumentParser, Namespace
from rich.console import Console
from rich.progress import Progress

from userip_lightning.serving.store import FORMS

BANK, STORE = "the bank's folder", FORMS


class BankCommand(NamedTuple):
    """A word after `userip bank`.

    Args:
        summary: for the list of commands.
        description: for its own help.
        arguments: adds what it takes to its parser.
        run: does it.
    """

    summary: str
    description: str
    arguments: Callable[[ArgumentParser], object]
    run: Callable[[Namespace], None]


@contextmanager
def keys_bar(text: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error, where that is a terminal; call it with keys done and in all."""
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(text, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
