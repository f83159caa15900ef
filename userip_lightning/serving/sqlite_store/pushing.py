"""A version of a bank into a store, in one transaction."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict
from typing import Literal

from userip_lightning.bank.feature_bank import FeatureBank
from userip_lightning.bank.pruning import check_keep
from userip_lightning.errors import InputError
from userip_lightning.serving.copying import Progress, Pushed, further_arrays, parts
from userip_lightning.serving.sqlite_store.address import Address
from userip_lightning.serving.sqlite_store.database import Version, quoted, told, versions, with_hash, writing

#: Users between two calls of a bar.
BATCH = 10_000
#: Bytes of an array in one row: SQLite has a limit of 1 GB.
PART = 64 << 20


def push(
    bank: FeatureBank,
    address: Address,
    keep: int = 2,
    codes_only: bool = False,
    progress: Progress = lambda done, total: None,
) -> Pushed:
    """Make a version of a bank the one that readers of a store read, all at once.

    Args:
        bank: the version.
        address: of the store; the file is made where it is missing, its folder is not.
        keep: how many of the versions pushed last stay there, at least 1.
        codes_only: leave out what lookups do not need: table, states, row ids. No bank can be pulled then.
        progress: is called with the number of users that are written, and that there are.

    Raises:
        InputError: ``keep`` is 0, names of profiles that SQLite takes for one, another database there or one
            of another layout, another process is writing it, or it cannot be written.
    """
    check_keep(keep)
    bank.require_whole()
    _refuse_equal_columns(bank)
    with told(address), writing(address) as connection:
        there = {version.name: version for version in versions(connection)}
        turn = 1 + max((version.turn for version in there.values()), default=0)
        before = there.pop(bank.path.name, None)
        done: Literal["pushed", "swapped", "current"] = "pushed"
        if before is not None and (before.whole or codes_only):
            done = "current" if before.current else "swapped"
        else:
            if before is not None:
                _delete(connection, before)
            _insert(connection, bank, turn, codes_only, progress)
        if done != "current":
            _point(connection, bank.path.name, turn)
        old = list(there.values())[keep - 1 :]
        for version in old:
            _delete(connection, version)
    return Pushed(bank.path.name, done, tuple(version.name for version in old))


def _refuse_equal_columns(bank: FeatureBank) -> None:
    seen = {"user_id"}
    for name in bank.names:
        if name.lower() in seen:
            raise InputError(
                f"{bank.path}: profile {name!r} is called like another column but for capitals, which SQLite "
                "takes for one; rename the profile."
            )
        seen.add(name.lower())


def _insert(
    connection: sqlite3.Connection, bank: FeatureBank, turn: int, codes_only: bool, progress: Progress
) -> None:
    users = bank.users
    manifest = json.dumps(asdict(bank.manifest))
    names, sizes = json.dumps(bank.names), json.dumps(bank.sizes)
    row = (bank.path.name, turn, users.height, names, sizes, manifest, not codes_only, False)
    connection.execute("INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
    table = quoted(f"codes_{bank.path.name}")
    columns = "".join(f", {quoted(name)} INTEGER NOT NULL" for name in bank.names)
    connection.execute(f"CREATE TABLE {table} (user_id TEXT PRIMARY KEY{columns}) WITHOUT ROWID")
    places = ", ".join("?" * users.width)
    written = 0
    for batch in users.iter_slices(BATCH):
        connection.executemany(f"INSERT INTO {table} VALUES ({places})", batch.iter_rows())
        written += batch.height
        progress(written, users.height)
    (own,) = (own for own in versions(connection) if own.name == bank.path.name)
    connection.execute(
        "UPDATE versions SET manifest = ? WHERE name = ?",
        (json.dumps(with_hash(connection, own)), own.name),
    )
    if not codes_only:
        for name in further_arrays(bank):
            for number, part in enumerate(parts(bank.path / name, PART)):
                stored = (bank.path.name, name, number, part)
                connection.execute("INSERT INTO files VALUES (?, ?, ?, ?)", stored)


def _point(connection: sqlite3.Connection, name: str, turn: int) -> None:
    connection.execute("UPDATE versions SET current = (name = ?)", (name,))
    connection.execute("UPDATE versions SET turn = ? WHERE name = ?", (turn, name))
    connection.execute("DROP VIEW IF EXISTS codes")
    connection.execute(f"CREATE VIEW codes AS SELECT * FROM {quoted(f'codes_{name}')}")


def _delete(connection: sqlite3.Connection, version: Version) -> None:
    connection.execute(f"DROP TABLE {version.table}")
    connection.execute("DELETE FROM files WHERE version = ?", (version.name,))
    connection.execute("DELETE FROM versions WHERE name = ?", (version.name,))
