"""The file of a store: opened, checked, and its complaints in one sentence each."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import quote

from userip_lightning.errors import DISK_FULL, InputError
from userip_lightning.serving.sqlite_store.address import Address

#: Marks the file as ours, and the version of its layout.
APPLICATION, SCHEMA = 0x75736970, 1
#: Seconds until a writer that holds the file is no longer waited for.
WAIT_S = 10.0
#: Users up to whom a reader checks all codes when it opens a version, in a tenth of a second.
CHECKED = 100_000
#: Key beside the manifest's own: the hash of a table of codes, of at most ``CHECKED`` users.
_HASH = "codes_hash"

_TABLES = (
    "CREATE TABLE versions (name TEXT PRIMARY KEY, turn INTEGER NOT NULL, users INTEGER NOT NULL, "
    "names TEXT NOT NULL, sizes TEXT NOT NULL, manifest TEXT NOT NULL, whole INTEGER NOT NULL, "
    "current INTEGER NOT NULL)",
    "CREATE TABLE files (version TEXT, name TEXT, part INTEGER, bytes BLOB NOT NULL, "
    "PRIMARY KEY (version, name, part))",
    f"PRAGMA application_id = {APPLICATION}",
    f"PRAGMA user_version = {SCHEMA}",
)


class Version(NamedTuple):
    """A row of ``versions``."""

    name: str
    turn: int  # the greatest was pushed last
    users: int
    names: tuple[str, ...]
    sizes: tuple[int, ...]
    manifest: dict[str, Any]
    whole: bool
    current: bool
    hash: str | None  # of its codes; None where they are many, or an earlier program pushed them

    @property
    def table(self) -> str:
        """Of its codes, quoted."""
        return quoted(f"codes_{self.name}")


def quoted(name: str) -> str:
    """A name of a table or column, as SQL wants it."""
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def told(address: Address) -> Iterator[None]:
    """Say in one sentence what is wrong, where SQLite complains in the block.

    Raises:
        InputError: see :func:`_meaning`.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise InputError(f"{address.file}: {_meaning(str(error))}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{address.file}: {_meaning('malformed text')}") from error


def _meaning(text: str) -> str:
    known = {
        "locked": f"another process is writing this database, {WAIT_S:g} s were waited; try again later.",
        "not a database": "is no SQLite database; name another file.",
        "unable to open": "could not be opened as a database; check the folder and its permissions.",
        "readonly": "could not be written, it or its folder is read-only; check the permissions.",
        "disk is full": f"could not be written ({DISK_FULL}); free some space, nothing has changed.",
        "malformed": "this database is damaged; delete it and push the bank again.",
    }
    for words, sentence in known.items():
        if words in text:
            return sentence
    return f"SQLite refuses ({text}); check the file."


def connect(address: Address) -> sqlite3.Connection:
    """A connection to a store that is there.

    Raises:
        InputError: no file there, it is another database, or of another layout.
        sqlite3.Error: for :func:`told`.
    """
    if not address.file.is_file():
        raise InputError(f"{address.file}: no such file; push a bank there first, or correct the address.")
    connection = _open(address, "rw")
    try:
        check(connection, address)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def reading(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """What is read in the block is of one moment."""
    connection.execute("BEGIN")
    try:
        yield connection
    finally:
        connection.rollback()


@contextmanager
def writing(address: Address) -> Iterator[sqlite3.Connection]:
    """One transaction, all or nothing, in a store that is made where the file is missing or empty.

    Raises:
        InputError: another database is there, or one of another layout.
        sqlite3.Error: for :func:`told`.
    """
    with closing(_open(address, "rwc")) as connection:
        fresh = _is_empty(connection)
        if not fresh:
            check(connection, address)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA secure_delete = ON")  # what is forgotten is overwritten
        connection.execute("BEGIN IMMEDIATE")
        try:
            if _is_empty(connection):
                for statement in _TABLES:
                    connection.execute(statement)
            check(connection, address)
            yield connection
            connection.commit()
        except BaseException:
            connection.rollback()
            raise
        settle(connection)


def settle(connection: sqlite3.Connection) -> bool:
    """Move what was written from the log into the file; False where a reader is in between.

    Until then, pages that it replaces stay in the file as they were. SQLite waits ``WAIT_S`` for readers.
    """
    (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def check(connection: sqlite3.Connection, address: Address) -> None:
    """Refuse a database that is not a store of this layout.

    Raises:
        InputError: it is not.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (schema,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION:
        what = (
            "is empty, nothing was pushed there"
            if _is_empty(connection)
            else "holds something else than codes"
        )
        raise InputError(f"{address.file}: this database {what}; name another file, or push a bank first.")
    if schema != SCHEMA:
        raise InputError(
            f"{address.file}: schema version {schema}, this program reads {SCHEMA}; push the bank into a new "
            "file with this version."
        )


def versions(connection: sqlite3.Connection) -> list[Version]:
    """All that are there, the last pushed first."""
    rows = connection.execute("SELECT * FROM versions ORDER BY turn DESC").fetchall()
    try:
        return [_version(*row) for row in rows]
    except (ValueError, TypeError) as error:
        raise sqlite3.DatabaseError(f"malformed list of versions: {error}") from None


def _version(
    name: str, turn: int, users: int, names: str, sizes: str, manifest: str, whole: int, current: int
) -> Version:
    """A row of ``versions``; ValueError or TypeError where it is none that a push wrote."""
    profiles, numbers, told = json.loads(names), json.loads(sizes), json.loads(manifest)
    fits = (
        _are(profiles, str)
        and _are(numbers, int)
        and len(profiles) == len(numbers)
        and isinstance(told, dict)
        and {"kind", "config_hash", "data_hash", "users"} <= told.keys()
    )
    if not fits:
        raise ValueError("names, sizes and manifest do not fit")
    digest = told.pop(_HASH, None)
    return Version(
        name, turn, users, tuple(profiles), tuple(numbers), told, bool(whole), bool(current), digest
    )


def _are(values: object, kind: type) -> bool:
    return isinstance(values, list) and all(type(value) is kind for value in values)


def with_hash(connection: sqlite3.Connection, version: Version) -> dict[str, object]:
    """A version's manifest, with the hash of its codes beside it where they are few."""
    if version.users > CHECKED:
        return version.manifest
    return {**version.manifest, _HASH: _hash(connection, version)}


def require_unchanged(connection: sqlite3.Connection, version: Version) -> None:
    """Raise sqlite3.DatabaseError where the codes are others than were pushed: SQLite checks no pages."""
    if version.hash is not None and _hash(connection, version) != version.hash:
        raise sqlite3.DatabaseError("malformed codes")


def _hash(connection: sqlite3.Connection, version: Version) -> str:
    digest = sha256()
    for row in connection.execute(f"SELECT * FROM {version.table}"):
        digest.update(repr(row).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def current(connection: sqlite3.Connection, address: Address) -> Version:
    """The one that readers read.

    Raises:
        InputError: there is none.
    """
    for version in versions(connection):
        if version.current:
            return version
    raise InputError(f"{address.file}: nothing was pushed there; push a bank first.")


def _open(address: Address, mode: str) -> sqlite3.Connection:
    uri = f"file:{quote(str(address.file.absolute()))}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=WAIT_S, isolation_level=None, check_same_thread=False)


def _is_empty(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,))
