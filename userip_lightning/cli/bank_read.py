"""`userip bank info|lookup|export`: what is in a feature bank, on disk or in a store."""

from __future__ import annotations

import json
import sys

from jsonargparse import ArgumentParser, Namespace

from userip_lightning.bank import FeatureBank
from userip_lightning.cli.bank_command import STORE, BankCommand
from userip_lightning.ids import id_strings
from userip_lightning.serving.store import Reader, Store

_BANK = "the bank's folder, or that of one of its versions"
_INFO = "the current version, where it came from, users per code and bytes of every version, as JSON"
_LOOKUP = "the codes of users, tab-separated; a user that is not in the bank has the reserved codes"
_EXPORT = "all codes as one .csv or .parquet file"


def _info(chosen: Namespace) -> None:
    path: str = chosen.path
    found = Store(path).info() if Store.named_by(path) else FeatureBank.open(path).info()._asdict()
    print(json.dumps(found, indent=2))


def _lookup(chosen: Namespace) -> None:
    users = id_strings(chosen.users, "users")
    path: str = chosen.path
    bank: Reader = Store(path).reader() if Store.named_by(path) else FeatureBank.open(path)
    found = bank.lookup(users).tolist()
    print("\t".join(("user_id", *bank.names)))
    for user, codes in zip(users, found, strict=True):
        print("\t".join((user, *map(str, codes))))
    strangers = [user for user, codes in zip(users, found, strict=True) if codes == list(bank.sizes)]
    if strangers:
        print(f"not in the bank, hence the reserved codes: {', '.join(strangers)}", file=sys.stderr)


def _export(chosen: Namespace) -> None:
    print(FeatureBank.open(chosen.path).export(chosen.file, formulas=chosen.formulas))


def _add_path(parser: ArgumentParser) -> None:
    parser.add_argument("path", type=str, help=f"{_BANK}; or {STORE}")


def _add_users(parser: ArgumentParser) -> None:
    _add_path(parser)
    parser.add_argument(
        "users", type=str, nargs="*", default=[], help="user ids; those that begin with -- after --"
    )


def _add_file(parser: ArgumentParser) -> None:
    parser.add_argument("path", type=str, help=_BANK)
    parser.add_argument("file", type=str, help="where to write; ends in .csv or .parquet")
    parser.add_argument(
        "--formulas",
        action="store_true",
        help="leave ids of a .csv as they are, for a program; a spreadsheet runs those that are formulas",
    )


INFO = BankCommand(
    _INFO,
    f"Print {_INFO}. Of a store: users, codebook sizes, and what it takes: bytes of the "
    "server's memory per version of a Redis, bytes of an SQLite file.",
    _add_path,
    _info,
)
LOOKUP = BankCommand(
    _LOOKUP,
    f"Print {_LOOKUP}. Example: userip bank lookup BANK 196 186",
    _add_users,
    _lookup,
)
EXPORT = BankCommand(
    _EXPORT,
    f"Write {_EXPORT}. In a .csv, ids that a spreadsheet would run as formulas (they begin with = + - @, a "
    "tab or an end of line, and are no whole numbers) have ' in front, and so have those that begin with '. "
    "A program that joins on ids should read .parquet, where ids are as they are, or a .csv with --formulas.",
    _add_file,
    _export,
)
