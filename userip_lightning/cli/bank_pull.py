"""`userip bank pull`: a bank out of Redis or an SQLite file."""

from __future__ import annotations

from jsonargparse import ArgumentParser, Namespace

from userip_lightning.cli.bank_command import STORE, BankCommand
from userip_lightning.progress_bars import piece
from userip_lightning.serving.store import Store

_PULL = "the current version out of a Redis or an SQLite file, into a bank's folder"
_DESCRIPTION = """Write the current version of a Redis or an SQLite file into a bank's folder and make it the
current one there. The version is the one that was pushed, file by file: codes, table, row ids for the leak
audit. From a store that was pushed to with --codes_only nothing can be pulled.
Example: userip bank pull redis://localhost/codes BANK"""


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("store", type=str, help=STORE)
    parser.add_argument("folder", type=str, help="of the bank; is made where it is missing")


def _run(chosen: Namespace) -> None:
    store = Store(chosen.store)
    with piece("pulling", "users") as shown:
        folder = store.pull(chosen.folder, shown.at)
    print(folder)


PULL = BankCommand(_PULL, _DESCRIPTION, _arguments, _run)
