"""`userip bank prune`: delete old versions of a bank."""

from __future__ import annotations

from jsonargparse import ArgumentParser, Namespace

from userip_lightning.bank.pruning import prune
from userip_lightning.cli.bank_command import BANK, BankCommand

_PRUNE = "delete old versions on disk"
_DESCRIPTION = """Delete all versions of a bank except those that were written last. The current version
always stays and counts as one of them. A process that has an older version open can still read it. `userip
bank info` lists versions and bytes.
Example: userip bank prune BANK --keep 2"""


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("path", type=str, help=BANK)
    parser.add_argument(
        "--keep", type=int, required=True, help="how many versions stay, with the current one"
    )


def _run(chosen: Namespace) -> None:
    deleted = prune(chosen.path, chosen.keep)
    print(f"{chosen.path}: deleted {', '.join(deleted) or 'nothing'}")


PRUNE = BankCommand(_PRUNE, _DESCRIPTION, _arguments, _run)
