"""What is in a store."""

from __future__ import annotations

from contextlib import closing
from typing import NamedTuple

from userip_lightning.serving.sqlite_store.address import Address
from userip_lightning.serving.sqlite_store.database import connect, current, reading, told, versions


class StoreInfo(NamedTuple):
    """What ``userip bank info sqlite:///...`` shows."""

    version: str
    users: int
    sizes: dict[str, int]  # profile name → K_p
    data_hash: str
    config_hash: str
    whole_bank: bool  # whether a bank can be pulled
    versions: list[str]  # the last pushed first
    bytes: int  # of the file, space of deleted versions that the next ones will use included


def info(address: Address) -> StoreInfo:
    """The current version, and what the file takes.

    Raises:
        InputError: no bank there, another database, or one of another layout.
    """
    with told(address), closing(connect(address)) as connection, reading(connection):
        now = current(connection, address)
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        return StoreInfo(
            version=now.name,
            users=now.users,
            sizes=dict(zip(now.names, now.sizes, strict=True)),
            data_hash=now.manifest["data_hash"],
            config_hash=now.manifest["config_hash"],
            whole_bank=now.whole,
            versions=[version.name for version in versions(connection)],
            bytes=pages * size,
        )
