"""`userip bank pull`: a bank out of Redis."""

from __future__ import annotations

from jsonargparse import ArgumentParser, Namespace

from userip_lightning.cli.bank_command import STORE, BankCommand, keys_bar
from userip_lightning.serving.redis_store import Address, pull

_PULL = "the current version out of a Redis, into a bank's folder"
_DESCRIPTION = """Write the current version of a Redis into a bank's folder and make it the current one
there. The version is the one that was pushed, file by file: codes, table, row ids for the leak audit.
From a Redis that was pushed to with --codes_only nothing can be pulled.
Example: userip bank pull redis://localhost/codes BANK"""


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("store", type=str, help=STORE)
    parser.add_argument("folder", type=str, help="of the bank; is made where it is missing")


def _run(chosen: Namespace) -> None:
    address = Address.parse(chosen.store)
    with keys_bar("pulling") as progress:
        folder = pull(address, chosen.folder, progress)
    print(folder)


PULL = BankCommand(_PULL, _DESCRIPTION, _arguments, _run)
