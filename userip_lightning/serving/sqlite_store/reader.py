"""Reading codes from a store."""

from __future__ import annotations

import json
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from userip_lightning.ids import Ids, asked_ids
from userip_lightning.serving.sqlite_store.address import Address
from userip_lightning.serving.sqlite_store.database import Version, connect, current, reading, told


class SqliteBank:
    """The current version of the bank in a store, looked up in batches; follows the version as it changes.

    Every thread and process opens one of its own; :meth:`close` it, or use it as a context manager.

    Args:
        address: ``sqlite:///FILE`` or what it was parsed into.

    Raises:
        InputError: no file there, nothing was pushed, another database, or one of another layout.
    """

    def __init__(self, address: str | Address) -> None:
        self.address = Address.parse(address) if isinstance(address, str) else address
        with told(self.address):
            self._connection = connect(self.address)
            self._version: Version = current(self._connection, self.address)

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
        users = asked_ids(user_ids)
        with told(self.address), reading(self._connection) as connection:
            self._version = current(connection, self.address)
            rows = connection.execute(
                f"SELECT c.* FROM json_each(?) AS asked CROSS JOIN {self._version.table} AS c "
                "ON c.user_id = asked.value",
                (json.dumps(users),),
            ).fetchall()
        known = {user: codes for user, *codes in rows}
        reserved = list(self.sizes)
        found = [known.get(user, reserved) for user in users]
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
