"""A place that services read codes from: one address, whatever keeps them there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from userip_lightning.bank.feature_bank import FeatureBank
from userip_lightning.bank.forgetting import Copy
from userip_lightning.errors import InputError
from userip_lightning.serving import redis_store, sqlite_store
from userip_lightning.serving.copying import Progress, Pushed

FORMS = "redis://[USER:PASSWORD@]HOST[:PORT][/DB]/PREFIX (rediss:// for TLS) or sqlite:///FILE"
#: What looks codes up.
Reader = FeatureBank | redis_store.RedisBank | sqlite_store.SqliteBank


class Store:
    """A bank's copy in Redis or in an SQLite file.

    Args:
        url: see ``FORMS``.

    Raises:
        InputError: another form.
    """

    def __init__(self, url: str) -> None:
        if not self.named_by(url):
            raise InputError(f"{url.partition('//')[0].rstrip(':')}: {FORMS} expected; correct the address.")
        self._lite = sqlite_store.Address.names_one(url)
        self._kind: Any = sqlite_store if self._lite else redis_store
        self.address: redis_store.Address | sqlite_store.Address = self._kind.Address.parse(url)

    @staticmethod
    def named_by(text: str) -> bool:
        """Whether a word of a command line is an address, not a folder."""
        return any(kind.Address.names_one(text) for kind in (redis_store, sqlite_store))

    def push(self, bank: FeatureBank, keep: int, codes_only: bool, progress: Progress) -> Pushed:
        """See ``push`` of the store's package."""
        pushed: Pushed = self._kind.push(bank, self.address, keep, codes_only, progress)
        return pushed

    def pull(self, root: str | Path, progress: Progress) -> Path:
        """See ``pull`` of the store's package."""
        folder: Path = self._kind.pull(self.address, root, progress)
        return folder

    def info(self) -> dict[str, object]:
        """What ``userip bank info`` shows of it."""
        shown: dict[str, object] = self._kind.info(self.address)._asdict()
        return shown

    def reader(self) -> Reader:
        """Opened for lookups."""
        address: Any = self.address
        return sqlite_store.SqliteBank(address) if self._lite else redis_store.RedisBank(address)

    def copy(self) -> Copy:
        """To make it forget whom its bank forgets."""
        address: Any = self.address
        return sqlite_store.SqliteCopy(address) if self._lite else redis_store.RedisCopy(address)
