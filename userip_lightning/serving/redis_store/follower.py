"""A store that forgets whom its bank forgets."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from userip_lightning.bank.feature_bank import FeatureBank
from userip_lightning.serving.copying import check_origin
from userip_lightning.serving.redis_store.address import Address
from userip_lightning.serving.redis_store.errors import told
from userip_lightning.serving.redis_store.layout import Layout
from userip_lightning.serving.redis_store.pages import find, page_of
from userip_lightning.serving.redis_store.pushing import push


class RedisCopy:
    """See :class:`userip_lightning.bank.forgetting.Copy`.

    Args:
        address: of the store.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self._layout = Layout(address)

    def check(self, versions: Collection[str]) -> None:
        """Refuse a store whose current version this bank does not have.

        Raises:
            InputError: it does not, nothing was pushed, or the server cannot be asked.
        """
        with told(self.address):
            current = self._layout.read_meta().version
        check_origin(self.address, current, versions)

    def holds(self, users: Collection[str]) -> set[str]:
        """Those of ``users`` that any version there has codes of, half-pushed ones too."""
        found: set[str] = set()
        with told(self.address):
            for version, entry in self._layout.entries().items():
                asked = list(users)
                keys = [self._layout.page(version, page_of(user, entry.pages)) for user in asked]
                pages = self._layout.client.mget(keys)
                with self._layout.expected(self._layout.page(version, "*")):
                    found |= {
                        user
                        for user, page in zip(asked, pages, strict=True)
                        if page is not None and find(page, user) is not None
                    }
        return found

    def follow(self, root: Path, successors: Mapping[str, str]) -> None:
        """Push the successor of the current version and delete all others.

        Raises:
            InputError: the server is gone or full, or another process is pushing there.
        """
        with told(self.address):
            current = self._layout.read_meta()
        bank = FeatureBank.open(root / successors.get(current.version, current.version))
        push(bank, self.address, keep=1, codes_only=current.files is None)

    def erase(self) -> None:
        """Nothing: a deleted key is gone."""
