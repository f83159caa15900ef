"""A version of a bank into a store, the version key last."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Literal, TypeVar

from userip_lightning.bank.feature_bank import FeatureBank
from userip_lightning.bank.pruning import check_keep
from userip_lightning.errors import InputError
from userip_lightning.serving.copying import Progress, Pushed, further_arrays, parts
from userip_lightning.serving.redis_store.address import Address
from userip_lightning.serving.redis_store.errors import told
from userip_lightning.serving.redis_store.layout import SCHEMA, Entry, Layout, Meta
from userip_lightning.serving.redis_store.pages import page_count, write_pages
from userip_lightning.serving.redis_store.push_lock import PushLock

if TYPE_CHECKING:
    from redis.client import Pipeline

#: Keys in a transaction: long enough for the network, short enough for readers who wait for it.
BATCH = 500
#: Bytes in a transaction, which a slow link has to carry before the lock and the socket time out.
BATCH_BYTES = 4 << 20
#: Bytes of an array in one key, before it is compressed.
PART = 1 << 20

Thing = TypeVar("Thing")


def push(
    bank: FeatureBank,
    address: Address,
    keep: int = 2,
    codes_only: bool = False,
    progress: Progress = lambda done, total: None,
) -> Pushed:
    """Make a version of a bank the one that readers of a store read.

    Readers have the old version until the new one is whole. What a killed pusher left half-pushed is deleted.

    Args:
        bank: the version.
        address: of the store.
        keep: how many of the newest versions stay there, at least 1.
        codes_only: leave out what lookups do not need: table, states, row ids. No bank can be pulled then.
        progress: is called with the number of keys that are written, and that there are.

    Raises:
        InputError: no server, a wrong password, a full server, keys that are not a bank's, another layout,
            or another process is pushing there.
    """
    check_keep(keep)
    layout = Layout(address)
    with told(address):
        layout.read_current()  # complains before anything is made ready
        source = _Source(bank, codes_only)
        with PushLock(layout) as lock:
            return _push(layout, lock, source, keep, progress)


class _Source:
    """What of a bank is pushed."""

    def __init__(self, bank: FeatureBank, codes_only: bool) -> None:
        bank.require_whole()
        users = bank.users
        self.bank = bank
        self.version = bank.path.name
        self.pages = write_pages(users)
        sizes = {name: -(-bank.manifest.files[name] // PART) for name in further_arrays(bank)}
        self.files: dict[str, int] = {} if codes_only else sizes
        self.meta = Meta(
            self.version,
            list(bank.names),
            list(bank.sizes),
            len(users),
            page_count(len(users)),
            asdict(bank.manifest),
            None if codes_only else sizes,
        )

    def values(self, layout: Layout) -> Iterator[tuple[str, bytes]]:
        """Keys and values, without the record of the version."""
        for number, text in enumerate(self.pages):
            yield layout.page(self.version, number), text.encode()
        for name in self.files:
            for number, part in enumerate(parts(self.bank.path / name, PART)):
                yield layout.part(self.version, name, number), zlib.compress(part, 1)


def _push(layout: Layout, lock: PushLock, source: _Source, keep: int, progress: Progress) -> Pushed:
    entries = layout.entries()
    halves = {name: entry for name, entry in entries.items() if not entry.whole}
    _delete(layout, lock, halves)
    there = {name: entry for name, entry in entries.items() if entry.whole}
    current = layout.read_current()
    done: Literal["pushed", "swapped", "current"] = "current" if current == source.version else "swapped"
    if not _is_whole(layout, lock, source, there.get(source.version)):
        done = "pushed"
    turn = max((entry.turn for entry in entries.values()), default=0) + 1
    files = {**(there[source.version].files if source.version in there else {}), **source.files}
    entry = Entry(turn, True, source.meta.pages, files)
    if done == "pushed":
        # where it is the current one and lost a key, it stays in the list, and readers get the same values
        half = entry._replace(whole=source.version in there)
        try:
            _write(layout, lock, source, half, progress)
        except BaseException:
            _give_up(layout, lock, source.version, half)
            raise
    if done != "current":
        lock.write(lambda pipe: _swap(pipe, layout, source, entry))
    there.pop(source.version, None)
    old = dict(islice(there.items(), keep - 1, None))
    _delete(layout, lock, old)
    return Pushed(source.version, done, (*halves, *old))


def _write(layout: Layout, lock: PushLock, source: _Source, entry: Entry, progress: Progress) -> None:
    total = len(source.pages) + sum(source.files.values())
    record = json.dumps(source.meta._asdict())

    def begin(pipe: Pipeline) -> None:
        pipe.set(layout.schema, SCHEMA)
        pipe.hset(layout.versions, source.version, json.dumps(entry._asdict()))
        pipe.set(layout.meta(source.version), record)

    lock.write(begin)
    written = 0
    for batch in _light(source.values(layout)):
        lock.write(lambda pipe, batch=batch: pipe.mset(batch))  # type: ignore[misc]  # a default in a lambda
        written += len(batch)
        progress(written, total)


def _swap(pipe: Pipeline, layout: Layout, source: _Source, entry: Entry) -> None:
    pipe.hset(layout.versions, source.version, json.dumps(entry._asdict()))
    pipe.set(layout.current, source.version)


def _is_whole(layout: Layout, lock: PushLock, source: _Source, entry: Entry | None) -> bool:
    """Whether the store has all of a version; keys may have been evicted."""
    if entry is None or entry.pages != source.meta.pages or not source.files.items() <= entry.files.items():
        return False
    keys = batches(layout.keys(source.version, entry), BATCH)
    return all(
        lock.write(lambda pipe, batch=batch: pipe.exists(*batch))[0] == len(batch)  # type: ignore[misc]  # a default in a lambda
        for batch in keys
    )


def _delete(layout: Layout, lock: PushLock, versions: dict[str, Entry]) -> None:
    """Delete versions; each is on the list until all of it is gone."""
    for name, entry in versions.items():
        lock.write(
            lambda pipe, name=name, entry=entry: pipe.hset(  # type: ignore[misc]  # a default in a lambda
                layout.versions, name, json.dumps(entry._replace(whole=False)._asdict())
            )
        )
        for batch in batches(layout.keys(name, entry), BATCH):
            lock.write(lambda pipe, batch=batch: pipe.unlink(*batch))  # type: ignore[misc]  # a default in a lambda
        lock.write(lambda pipe, name=name: pipe.hdel(layout.versions, name))  # type: ignore[misc]  # a default in a lambda


def _give_up(layout: Layout, lock: PushLock, version: str, entry: Entry) -> None:
    """Delete a half-pushed version at once, if that can be done; the next push would, too."""
    from redis.exceptions import RedisError

    if entry.whole:
        return
    try:
        _delete(layout, lock, {version: entry})
    except (RedisError, InputError):
        return


def _light(values: Iterable[tuple[str, bytes]]) -> Iterator[dict[str, bytes]]:
    """Keys and values in batches of at most ``BATCH`` keys and, of several keys, ``BATCH_BYTES`` bytes."""
    batch: dict[str, bytes] = {}
    size = 0
    for key, value in values:
        if batch and (len(batch) == BATCH or size + len(value) > BATCH_BYTES):
            yield batch
            batch, size = {}, 0
        batch[key] = value
        size += len(value)
    if batch:
        yield batch


def batches(things: Iterable[Thing], size: int) -> Iterator[list[Thing]]:
    """Lists of at most ``size`` things."""
    iterator = iter(things)
    while batch := list(islice(iterator, size)):
        yield batch
