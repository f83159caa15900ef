"""What the commands of `userip bank` take and do."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import NamedTuple

from jsonargparse import ArgumentParser, Namespace

from userip_lightning.bank import FeatureBank
from userip_lightning.bank.forgetting import forget
from userip_lightning.bank.pruning import prune
from userip_lightning.cli.verify import DESCRIPTION, verify_folders
from userip_lightning.errors import InputError
from userip_lightning.ids import id_strings
from userip_lightning.progress_bars import piece
from userip_lightning.serving import feast_repository
from userip_lightning.serving.store import FORMS, Reader, Store

_BANK = "the bank's folder"
_VERSION = f"{_BANK}, or that of one of its versions"


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


_USERS = "user ids; those that begin with -- after --"

_INFO = "the current version, where it came from, users per code and bytes of every version, as JSON"
_LOOKUP = "the codes of users, tab-separated; a user that is not in the bank has the reserved codes"
_EXPORT = "all codes as one .csv or .parquet file"
_INFO_HELP = (
    f"Print {_INFO}. Of a store: users, codebook sizes, and what it takes: bytes of the "
    "server's memory per version of a Redis, bytes of an SQLite file."
)
_EXPORT_HELP = (
    f"Write {_EXPORT}. In a .csv, ids that a spreadsheet would run as formulas (they begin with = + - @, a "
    "tab or an end of line, and are no whole numbers) have ' in front, and so have those that begin with '. "
    "A program that joins on ids should read .parquet, where ids are as they are, or a .csv with --formulas."
)


def _add_path(parser: ArgumentParser) -> None:
    parser.add_argument("path", type=str, help=f"{_VERSION}; or {FORMS}")


def _folder(path: str) -> str:
    """A path as it is.

    Raises:
        InputError: it is the address of a store, and the command works on files.
    """
    if Store.named_by(path):
        address = Store(path).address
        raise InputError(
            f"{address}: this is a store, and a bank's folder is needed; pull it first, "
            f"`userip bank pull {address} FOLDER`, and name that folder."
        )
    return path


def _info(chosen: Namespace) -> None:
    path: str = chosen.path
    found = Store(path).info() if Store.named_by(path) else FeatureBank.open(path).info()._asdict()
    print(json.dumps(found, indent=2))


def _add_users(parser: ArgumentParser) -> None:
    _add_path(parser)
    parser.add_argument("users", type=str, nargs="*", default=[], help=_USERS)


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


def _add_file(parser: ArgumentParser) -> None:
    parser.add_argument("path", type=str, help=_VERSION)
    parser.add_argument("file", type=str, help="where to write; ends in .csv or .parquet")
    parser.add_argument(
        "--formulas",
        action="store_true",
        help="leave ids of a .csv as they are, for a program; a spreadsheet runs those that are formulas",
    )


def _export(chosen: Namespace) -> None:
    print(FeatureBank.open(_folder(chosen.path)).export(chosen.file, formulas=chosen.formulas))


_PUSH = "the current version into a Redis or an SQLite file, from where services read codes"
_PUSH_HELP = """Push a version of a bank into a Redis, from where services read codes (pip install
'userip-lightning[redis]'). Readers see the old version until the new one is complete: the key that names
the current version is written last, and a lookup (RedisBank of userip_lightning.serving.redis_store, or
userip bank lookup redis://...) never mixes two versions. The server needs memory for the old and the new
version, about 30 bytes per user and version, and should not evict keys (maxmemory-policy noeviction).

A push that was killed changes nothing for readers; the next push deletes what it left, after its lock has
expired (30 s). Of two pushes at the same time the second is refused. A version that is current there
already is not pushed again. A version that the server still has is made current at once, so pushing the
folder of an older version goes back to it. In a Redis Cluster all keys of a prefix are on one node, because
they have the tag {PREFIX}; name that node.

Keys: {PREFIX}:current names the version V, {PREFIX}:V:meta is JSON with its "pages", and {PREFIX}:V:page:N,
N = CRC-32 of the id modulo pages, is a JSON object id → codes.

Services on one machine need no server: sqlite:///FILE is an SQLite database on a local disk. A push is one
transaction: readers in other processes see the old version or the new one and do not wait, and a push that
is killed changes nothing. Read it with SqliteBank of userip_lightning.serving.sqlite_store, or from any
language: SELECT * FROM codes WHERE user_id = '196'.
Examples: userip bank push BANK --to redis://localhost/codes
          userip bank push BANK --to sqlite:///codes.db
          userip bank push BANK --to sqlite:////srv/codes.db    (an absolute path)"""


def _add_push(parser: ArgumentParser) -> None:
    parser.add_argument("path", type=str, help="the bank's folder, or that of the version to push")
    parser.add_argument("--to", type=str, required=True, help=FORMS)
    parser.add_argument(
        "--keep",
        type=int,
        default=2,
        help="how many of the newest versions stay there; older ones are deleted",
    )
    parser.add_argument(
        "--codes_only",
        action="store_true",
        help="leave out what lookups do not need (table, states, row ids): less memory, but no `userip bank "
        "pull` from there",
    )


def _push(chosen: Namespace) -> None:
    store = Store(chosen.to)
    bank = FeatureBank.open(_folder(chosen.path))
    with piece(f"pushing {bank.path.name}", "users") as shown:
        pushed = store.push(bank, chosen.keep, chosen.codes_only, shown.at)
    said = {
        "pushed": f"{store.address}: version {pushed.version} is pushed and current",
        "swapped": f"{store.address}: version {pushed.version} was there and is current again",
        "current": f"{store.address}: version {pushed.version} is current already, nothing was pushed",
    }
    print(said[pushed.done])
    if pushed.deleted:
        print(f"deleted there: {', '.join(pushed.deleted)}")


_PULL = "the current version out of a Redis or an SQLite file, into a bank's folder"
_PULL_HELP = """Write the current version of a Redis or an SQLite file into a bank's folder and make it the
current one there. The version is the one that was pushed, file by file: codes, table, row ids for the leak
audit. From a store that was pushed to with --codes_only nothing can be pulled.
Example: userip bank pull redis://localhost/codes BANK"""


def _add_pull(parser: ArgumentParser) -> None:
    parser.add_argument("store", type=str, help=FORMS)
    parser.add_argument("folder", type=str, help="of the bank; is made where it is missing")


def _pull(chosen: Namespace) -> None:
    store = Store(chosen.store)
    with piece("pulling", "users") as shown:
        folder = store.pull(chosen.folder, shown.at)
    print(folder)


_FEAST = "a Feast repository of the codes, for feast apply, feast materialize and get_online_features"
_FEAST_HELP = (
    "Write a Feast feature repository of the current codes: feature_store.yaml, the definitions (entity user "
    "with join key user_id, view user_codes with one Int64 feature per profile) and the rows as Parquet. Run "
    "it again for every version of the bank, then the command that it prints. Feast is not needed here."
)


def _add_feast(parser: ArgumentParser) -> None:
    parser.add_argument("path", type=str, help=_VERSION)
    parser.add_argument("folder", type=str, help="the repository: absent, empty or written by this command")
    parser.add_argument(
        "--online",
        type=str | None,
        default=None,
        help="online store: sqlite (what a new repository has), redis://HOST:PORT or redis://HOST:PORT/DATABASE"
        " (rediss for TLS). A password in it is not written down: Feast reads it from the variable "
        "REDIS_PASSWORD. Whatever else Feast knows is set in the repository's feature_store.yaml, which is "
        "written once",
    )
    parser.add_argument(
        "--project",
        type=str | None,
        default=None,
        help="Feast's name for this repository (what a new one has: userip), part of every key in the store",
    )


def _feast(chosen: Namespace) -> None:
    bank = FeatureBank.open(_folder(chosen.path))
    written = feast_repository.write(bank, chosen.folder, chosen.online, chosen.project)
    gone = f", gone since earlier versions and now with empty codes: {written.gone}" if written.gone else ""
    print(f"{chosen.folder}: version {bank.path.name}, users: {written.users}{gone}")
    until = written.until.replace(tzinfo=None).isoformat()
    print("next, in that folder (apply the first time and where profiles change):")
    print("  feast apply")
    print(f"  feast materialize-incremental {until}")


_PRUNE = "delete old versions on disk"
_PRUNE_HELP = """Delete all versions of a bank except those that were written last. The current version
always stays and counts as one of them. A process that has an older version open can still read it. `userip
bank info` lists versions and bytes.
Example: userip bank prune BANK --keep 2"""


def _add_prune(parser: ArgumentParser) -> None:
    parser.add_argument("path", type=str, help=_BANK)
    parser.add_argument(
        "--keep", type=int, required=True, help="how many versions stay, with the current one"
    )


def _prune(chosen: Namespace) -> None:
    deleted = prune(_folder(chosen.path), chosen.keep)
    print(f"{chosen.path}: deleted {', '.join(deleted) or 'nothing'}")


_FORGET = "delete users in every version on disk, and in the stores"
_FORGET_HELP = """Delete users in every version of a bank: codes, and rows of arrays with a row per user
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


def _add_forget(parser: ArgumentParser) -> None:
    parser.add_argument("path", type=str, help=_BANK)
    parser.add_argument("users", type=str, nargs="*", default=[], help=_USERS)
    parser.add_argument(
        "--store", type=str, action="append", default=[], help=f"{FORMS}; may be given several times"
    )


def _forget(chosen: Namespace) -> None:
    stores = [Store(url) for url in chosen.store]
    forgotten = forget(_folder(chosen.path), chosen.users, [store.copy() for store in stores])
    asked = len(forgotten.users) + len(forgotten.unknown)
    print(f"{chosen.path}: forgot {len(forgotten.users):,} of {asked:,} users")
    for old, new in forgotten.successors.items():
        print(f"version {old} is deleted, {new} took its place")
    for store in stores:
        print(f"{store.address}: forgot them too, and has no older version")
    if forgotten.unknown:
        print(f"in no version: {', '.join(forgotten.unknown)}", file=sys.stderr)


def _add_verify(parser: ArgumentParser) -> None:
    parser.add_argument("path", type=str, help=_VERSION)


def _verify(chosen: Namespace) -> None:
    verify_folders([_folder(chosen.path)])


COMMANDS = {
    "info": BankCommand(_INFO, _INFO_HELP, _add_path, _info),
    "lookup": BankCommand(
        _LOOKUP, f"Print {_LOOKUP}. Example: userip bank lookup BANK 196 186", _add_users, _lookup
    ),
    "export": BankCommand(_EXPORT, _EXPORT_HELP, _add_file, _export),
    "push": BankCommand(_PUSH, _PUSH_HELP, _add_push, _push),
    "pull": BankCommand(_PULL, _PULL_HELP, _add_pull, _pull),
    "feast": BankCommand(_FEAST, _FEAST_HELP, _add_feast, _feast),
    "prune": BankCommand(_PRUNE, _PRUNE_HELP, _add_prune, _prune),
    "forget": BankCommand(_FORGET, _FORGET_HELP, _add_forget, _forget),
    "verify": BankCommand(
        "hash every file of every version and say which one is damaged", DESCRIPTION, _add_verify, _verify
    ),
}
