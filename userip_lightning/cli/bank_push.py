"""`userip bank push`: a bank into Redis or an SQLite file."""

from __future__ import annotations

from jsonargparse import ArgumentParser, Namespace

from userip_lightning.bank import FeatureBank
from userip_lightning.cli.bank_command import STORE, BankCommand
from userip_lightning.progress_bars import piece
from userip_lightning.serving.store import Store

_PUSH = "the current version into a Redis or an SQLite file, from where services read codes"
_DESCRIPTION = """Push a version of a bank into a Redis, from where services read codes (pip install
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


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("path", type=str, help="the bank's folder, or that of the version to push")
    parser.add_argument("--to", type=str, required=True, help=STORE)
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


def _run(chosen: Namespace) -> None:
    store = Store(chosen.to)
    bank = FeatureBank.open(chosen.path)
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


PUSH = BankCommand(_PUSH, _DESCRIPTION, _arguments, _run)
