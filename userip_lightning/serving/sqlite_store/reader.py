"""Reading codes from a store."""

from __future__ import annotations

import json
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from userip_lightning.ids import Ids, asked_ids
from userip_lightning.serving.sqlite_store.address import Address
from userip_lightning.serving.sqlite_store.database import (
    Version,
    connect,
    current,
    reading,
    require_unchanged,
    told,
)


class SqliteBank:
    """The current version of the bank in a store, looked up in batches; follows the version as it changes.

    Every thread and process opens one of its own; :meth:`close` it, or use it as a context manager.

    Args:
        address: ``sqlite:///FILE`` or what it was parsed into.

    Raises:
        InputError: no file there, nothing was pushed, another database, one of another layout, or
            codes of at most 100,000 users that are not what was pushed.
    """

    def __init__(self, address: str | Address) -> None:
        self.address = Address.parse(address) if isinstance(address, str) else address
        with told(self.address):
            self._connection = connect(self.address)
            with reading(self._connection) as connection:
                self._version: Version = current(connection, self.address)
                require_unchanged(connection, self._version)

    @property
    def names(self) -> tuple[str, ...]:
        """The P profile names of the version that was read last."""
        return self._version.names

    @property
    def sizes(self) -> tuple[int, ...]:
        """The P codebook sizes K_p of the version that was read last."""
        return self._version.sizes

    @property
    def version(self) -> str:
        """Name of the version that was read last."""
        return self._version.name

    def lookup(self, user_ids: Ids) -> NDArray[np.int64]:
        """[N] user ids, as a bank takes them → [N, P] codes; an unknown user gets the reserved codes K_p.

        All of them are of one version, the current one at some moment during the call.

        Raises:
            InputError: an id that is none, the file is damaged, or another process holds it.
        """
        users = asked_ids(user_ids, whole=False)
        whole = asked_ids(users)
        with told(self.address), reading(self._connection) as connection:
            version = current(connection, self.address)
            if version.name != self._version.name:
                require_unchanged(connection, version)
            self._version = version
            rows = connection.execute(
                f"SELECT c.* FROM json_each(?) AS asked CROSS JOIN {self._version.table} AS c "
                "ON c.user_id = asked.value",
                (json.dumps(list({*users, *whole})),),
            ).fetchall()
        known = {user: codes for user, *codes in rows}
        reserved = list(self.sizes)
        found = [
            known.get(user) or known.get(number, reserved) for user, number in zip(users, whole, strict=True)
        ]
        return np.array(found, dtype=np.int64).reshape(len(users), len(reserved))

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def __enter__(self) -> SqliteBank:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
