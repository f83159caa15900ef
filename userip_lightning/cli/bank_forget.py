"""`userip bank forget`: delete a person's codes."""

from __future__ import annotations

import sys

from jsonargparse import ArgumentParser, Namespace

from userip_lightning.bank.forgetting import forget
from userip_lightning.cli.bank_command import BANK, STORE, BankCommand
from userip_lightning.serving.store import Store

_FORGET = "delete users in every version on disk, and in the stores"
_DESCRIPTION = """Delete users in every version of a bank: codes, and rows of arrays with a row per user
(states, and those whose name begins with user_). A version is named after its content, so a version without
them has a new name. It is written and made current in one step, then the old versions are deleted: a reader
sees the old bank or the new one. With --store the same happens in a Redis or an SQLite file that the bank
was pushed to, where only the current version stays. After a crash the same command continues. Ids that no
version has are listed on standard error; if no given id is found, no version changes and the exit code is
2.

You delete the other traces: the log, the prepared data, predictions of CTR runs, exported files, copies of
the bank, and Feast's stores (run userip bank feast again and materialize, which empties their codes there).
The bank keeps the numbers of log rows (rows_seen, without user ids) and what was learned from all users
together, such as the table.
Examples: userip bank forget BANK 196 --store redis://localhost/codes
          userip bank forget BANK -- --196    (an id that begins with two dashes)"""


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("path", type=str, help=BANK)
    parser.add_argument(
        "users", type=str, nargs="*", default=[], help="user ids; those that begin with -- after --"
    )
    parser.add_argument(
        "--store", type=str, action="append", default=[], help=f"{STORE}; may be given several times"
    )


def _run(chosen: Namespace) -> None:
    stores = [Store(url) for url in chosen.store]
    forgotten = forget(chosen.path, chosen.users, [store.copy() for store in stores])
    asked = len(forgotten.users) + len(forgotten.unknown)
    print(f"{chosen.path}: forgot {len(forgotten.users):,} of {asked:,} users")
    for old, new in forgotten.successors.items():
        print(f"version {old} is deleted, {new} took its place")
    for store in stores:
        print(f"{store.address}: forgot them too, and has no older version")
    if forgotten.unknown:
        print(f"in no version: {', '.join(forgotten.unknown)}", file=sys.stderr)


FORGET = BankCommand(_FORGET, _DESCRIPTION, _arguments, _run)
