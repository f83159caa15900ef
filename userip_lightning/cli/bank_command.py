"""What a command of `userip bank` consists of."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from jsonargparse import ArgumentParser, Namespace

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
