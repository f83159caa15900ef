"""What is in a store."""

from __future__ import annotations

from typing import NamedTuple

from userip_lightning.serving.redis_store.address import Address
from userip_lightning.serving.redis_store.errors import told
from userip_lightning.serving.redis_store.layout import Entry, Layout
from userip_lightning.serving.redis_store.pushing import BATCH, batches


class StoreInfo(NamedTuple):
    """What ``userip bank info redis://...`` shows."""

    version: str
    users: int
    sizes: dict[str, int]  # profile name → K_p
    data_hash: str
    config_hash: str
    whole_bank: bool  # whether a bank can be pulled
    versions: dict[str, int]  # every whole version, the newest first → bytes of the server's memory
    half_pushed: list[str]  # versions whose pusher is at work or was killed


def info(address: Address) -> StoreInfo:
    """The current version, and the memory of all.

    Raises:
        InputError: no bank there, or the server cannot be asked.
    """
    layout = Layout(address)
    with told(address):
        meta = layout.read_meta()
        entries = layout.entries()
        memory = {name: _memory(layout, name, entry) for name, entry in entries.items() if entry.whole}
    return StoreInfo(
        version=meta.version,
        users=meta.users,
        sizes=dict(zip(meta.names, meta.sizes, strict=True)),
        data_hash=meta.manifest["data_hash"],
        config_hash=meta.manifest["config_hash"],
        whole_bank=meta.files is not None,
        versions=memory,
        half_pushed=[name for name, entry in entries.items() if not entry.whole],
    )


def _memory(layout: Layout, version: str, entry: Entry) -> int:
    total = 0
    for batch in batches(layout.keys(version, entry), BATCH):
        pipe = layout.client.pipeline(transaction=False)
        for key in batch:
            pipe.memory_usage(key)
        total += sum(size or 0 for size in pipe.execute())
    return total
