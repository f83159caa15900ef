"""A bank's folder out of a store."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from userip_lightning.arrays import array_of
from userip_lightning.bank.version_folder import Content
from userip_lightning.errors import InputError
from userip_lightning.leak_audit import ROWS_SEEN
from userip_lightning.serving.copying import Progress, manifest_of, write_pulled
from userip_lightning.serving.sqlite_store.address import Address
from userip_lightning.serving.sqlite_store.database import Version, connect, current, reading, told


def pull(address: Address, root: str | Path, progress: Progress = lambda done, total: None) -> Path:
    """Write the current version of a store into a bank's folder, and make it the current one there.

    Args:
        address: of the store.
        root: folder of all versions; is made where it is missing.
        progress: is called with the number of users that are read, and that there are.

    Returns:
        The folder of the version; all of its files are what they were when it was pushed.

    Raises:
        InputError: no bank there, its codes alone or something changed by hand, or an unwritable folder.
    """
    with told(address), closing(connect(address)) as connection, reading(connection):
        version = current(connection, address)
        if not version.whole:
            raise InputError(
                f"{address.file}: codes alone were pushed there (--codes_only), which make no whole bank; "
                "push without it, or copy the bank's folder."
            )
        content = _content(connection, version, address)
        progress(version.users, version.users)
    return write_pulled(content, version.name, root, address)


def _content(connection: sqlite3.Connection, version: Version, address: Address) -> Content:
    rows = connection.execute(f"SELECT * FROM {version.table}").fetchall()
    codes = np.array([row[1:] for row in rows], dtype=np.int64).reshape(len(rows), len(version.names))
    arrays = {
        name: _array(connection, version, name)
        for (name,) in connection.execute(
            "SELECT DISTINCT name FROM files WHERE version = ?", (version.name,)
        ).fetchall()
    }
    if ROWS_SEEN not in arrays:
        raise InputError(
            f"{address.file}: this database is damaged, it has no {ROWS_SEEN}; push the bank again."
        )
    rows_seen = arrays.pop(ROWS_SEEN).astype(np.int64)
    return Content.of(
        [row[0] for row in rows],
        codes,
        version.names,
        version.sizes,
        manifest_of(version.manifest, address),
        rows_seen,
        {name.removesuffix(".npy"): array for name, array in arrays.items()},
    )


def _array(connection: sqlite3.Connection, version: Version, name: str) -> NDArray[np.generic]:
    parts = connection.execute(
        "SELECT bytes FROM files WHERE version = ? AND name = ? ORDER BY part", (version.name, name)
    )
    return array_of(b"".join(part for (part,) in parts), f"{version.name}/{name}")
