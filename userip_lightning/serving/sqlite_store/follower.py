"""A store that forgets whom its bank forgets."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from contextlib import closing
from pathlib import Path

from userip_lightning.bank.feature_bank import FeatureBank
from userip_lightning.errors import InputError
from userip_lightning.serving.copying import check_origin
from userip_lightning.serving.sqlite_store.address import Address
from userip_lightning.serving.sqlite_store.database import (
    Version,
    connect,
    current,
    reading,
    settle,
    told,
    versions,
)
from userip_lightning.serving.sqlite_store.pushing import push


class SqliteCopy:
    """See :class:`userip_lightning.bank.forgetting.Copy`.

    Args:
        address: of the store.
    """

    def __init__(self, address: Address) -> None:
        self.address = address

    def check(self, versions: Collection[str]) -> None:
        """Refuse a store whose current version this bank does not have.

        Raises:
            InputError: it does not, nothing was pushed, or the file cannot be read.
        """
        check_origin(self.address, self._current().name, versions)

    def holds(self, users: Collection[str]) -> set[str]:
        """Those of ``users`` that any version there has codes of."""
        asked, found = json.dumps(list(users)), set()
        with told(self.address), closing(connect(self.address)) as connection, reading(connection):
            for version in versions(connection):
                rows = connection.execute(
                    f"SELECT user_id FROM {version.table} WHERE user_id IN (SELECT value FROM json_each(?))",
                    (asked,),
                )
                found |= {user for (user,) in rows}
        return found

    def follow(self, root: Path, successors: Mapping[str, str]) -> None:
        """Push the successor of the current version and delete all others.

        Raises:
            InputError: the file cannot be written, or another process is writing it.
        """
        now = self._current()
        bank = FeatureBank.open(root / successors.get(now.name, now.name))
        push(bank, self.address, keep=1, codes_only=not now.whole)

    def erase(self) -> None:
        """Overwrite the bytes of deleted versions.

        Raises:
            InputError: another process is reading, or the file cannot be written.
        """
        with told(self.address), closing(connect(self.address)) as connection:
            if not settle(connection):
                raise InputError(
                    f"{self.address}: nobody finds the users there any more, but another process reads the "
                    "file and their old bytes stay in it until it is done; run the same command again then."
                )

    def _current(self) -> Version:
        with told(self.address), closing(connect(self.address)) as connection, reading(connection):
            return current(connection, self.address)
