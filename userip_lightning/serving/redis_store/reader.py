"""Reading codes from a store."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from userip_lightning.ids import Ids, asked_ids
from userip_lightning.serving.redis_store.address import Address
from userip_lightning.serving.redis_store.errors import told
from userip_lightning.serving.redis_store.layout import Layout, Meta
from userip_lightning.serving.redis_store.pages import find, numbers, page_of


class RedisBank:
    """The current version of the bank in a store, looked up in batches; follows the version as it changes.

    May be used by several threads. ``pip install hiredis`` makes it faster.

    Args:
        address: ``redis://[USER:PASSWORD@]HOST[:PORT][/DB]/PREFIX`` or what it was parsed into.

    Raises:
        InputError: no server, a wrong password, nothing was pushed, or a store of another layout.
    """

    def __init__(self, address: str | Address) -> None:
        self.address = Address.parse(address) if isinstance(address, str) else address
        self._layout = Layout(self.address)
        with told(self.address):
            self.meta: Meta = self._layout.read_meta()

    @property
    def names(self) -> tuple[str, ...]:
        """The P profile names of the version that was read last."""
        return tuple(self.meta.names)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The P codebook sizes K_p of the version that was read last."""
        return tuple(self.meta.sizes)

    @property
    def version(self) -> str:
        """Name of the version that was read last."""
        return self.meta.version

    def lookup(self, user_ids: Ids) -> NDArray[np.int64]:
        """[N] user ids, as a bank takes them → [N, P] codes; an unknown user gets the reserved codes K_p.

        All of them are of one version, the current one at some moment during the call. It is one round trip,
        and one more where the version has changed since the last call.

        Raises:
            InputError: an id that is none, the server is gone or lost keys, or the store's layout has
                changed.
        """
        asked = asked_ids(user_ids, whole=False)
        whole = asked_ids(asked)
        users = asked if whole == asked else [*asked, *whole]
        with told(self.address):
            meta, pages = self._pages(users)
        reserved = ",".join(map(str, meta.sizes)).encode()
        with self._layout.expected(self._layout.page(meta.version, "*")):
            codes = list(map(find, pages, users))
            both = zip(codes, codes[-len(asked) :], strict=False)
            found = [one or other or reserved for one, other in both]
            return numbers(found, len(meta.sizes))

    def _pages(self, users: Sequence[str]) -> tuple[Meta, list[bytes]]:
        """The page of each user, and the version that they belong to."""
        layout, meta = self._layout, self.meta
        while True:
            start = layout.page(meta.version, "")
            keys = [f"{start}{page_of(user, meta.pages)}" for user in users]
            wanted = list(dict.fromkeys(keys))
            current, *pages = layout.client.mget(layout.current, *wanted)
            if current == meta.version.encode():
                break
            meta = self.meta = layout.read_meta()
        if None in pages:
            raise layout.damaged(wanted[pages.index(None)])
        by_key = dict(zip(wanted, pages, strict=True))
        return meta, [by_key[key] for key in keys]
