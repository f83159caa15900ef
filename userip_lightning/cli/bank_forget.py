"""`userip bank forget`: a person's codes vanish."""

from __future__ import annotations

import sys

from jsonargparse import ArgumentParser, Namespace

from userip_lightning.bank.forgetting import forget
from userip_lightning.cli.bank_command import BANK, STORE, BankCommand
from userip_lightning.serving.store import Store

_FORGET = "delete users in every version on disk, and in the stores"
_DESCRIPTION = """Delete users in every version of a bank: codes, and rows of arrays with a row per user
(states, and those whose name begins with user_). A version without them is another version, named after
its content; it is written, made current in one step, and the old versions are deleted, so that a reader
sees the old bank or the new one. With --store the same happens in a Redis or an SQLite file that the bank
was pushed to, where only the current version stays. After a crash the same command goes on. A user that no
version has is told on standard error; where none of those given is there, no version changes and the exit
code is 2.
What stays elsewhere, and is for you to delete: the log, the prepared data, predictions of CTR runs,
exported files, copies of the bank, and what Feast has (run userip bank feast again and materialize, which
empties their codes there). The bank itself keeps numbers of log rows (rows_seen, no user ids) and what was
learned from all users together, such as the table.
Example: userip bank forget BANK 196 --store redis://localhost/codes; an id that begins with two dashes:
userip bank forget BANK -- --196"""


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
