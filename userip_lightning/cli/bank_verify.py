"""`userip bank verify`: whether a bank's files are what was written."""

from __future__ import annotations

from jsonargparse import ArgumentParser, Namespace

from userip_lightning.cli.bank_command import BANK, BankCommand
from userip_lightning.cli.verify import DESCRIPTION, verify_folders

_VERIFY = "hash every file of every version and say which one is damaged"


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("path", type=str, help=f"{BANK}, or that of one of its versions")


def _run(chosen: Namespace) -> None:
    verify_folders([chosen.path])


VERIFY = BankCommand(_VERIFY, DESCRIPTION, _arguments, _run)
