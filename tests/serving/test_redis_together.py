"""Readers and pushers in processes of their own, at the same time."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.server import SERVER
from tests.serving.banks import ids, write
from tests.serving.redis_work import push_and_die, push_slowly, wait_for, watch
from userip_lightning.errors import InputError
from userip_lightning.serving.redis_store import Address, RedisBank, info, push, push_lock, pushing
from userip_lightning.serving.redis_store.layout import Entry, Layout

READERS, SWAPS, USERS = 4, 50, 200


def test_readers_see_one_version_and_all_users_while_versions_are_swapped_and_deleted(
    store: Address, tmp_path: Path
) -> None:
    banks = [write(tmp_path, version, USERS) for version in range(5)]
    push(banks[-1], store)
    begun, over, seen = SERVER.Semaphore(0), SERVER.Event(), SERVER.Queue()
    readers = [
        SERVER.Process(target=watch, args=(str(store), USERS, begun, over, seen), daemon=True)
        for _ in range(READERS)
    ]
    for reader in readers:
        reader.start()
    assert all(begun.acquire(timeout=60) for _ in readers)
    for swap in range(SWAPS):
        assert push(banks[swap % 5], store, keep=1).done == "pushed"
    over.set()
    found = [seen.get(timeout=60) for _ in readers]
    assert [one.failed for one in found] == [""] * READERS
    assert sum(one.mixed + one.missing for one in found) == 0
    assert sum(one.answers for one in found) > SWAPS
    assert max(one.versions for one in found) > 2, found


def test_a_pusher_killed_half_way_changes_nothing_and_the_next_push_cleans_up(
    store: Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new, next_one = (write(tmp_path, version) for version in range(3))
    push(old, store)
    pusher = SERVER.Process(target=push_and_die, args=(new.path, store, 1.5))
    pusher.start()
    pusher.join(60)
    assert pusher.exitcode == -9
    client = Layout(store).client
    assert len(list(client.scan_iter(store.key(new.path.name, "*")))) > 3
    assert info(store).half_pushed == [new.path.name]
    assert np.array_equal(RedisBank(store).lookup(ids(300)), old.lookup(ids(300)))

    if client.exists(store.key("lock")):
        with pytest.raises(InputError, match=rf"process {pusher.pid} on .* is writing there"):
            push(next_one, store)
    wait_for(lambda: not client.exists(store.key("lock")), 5)
    assert push(next_one, store) == (next_one.path.name, "pushed", (new.path.name,))
    assert not list(client.scan_iter(store.key(new.path.name, "*")))
    assert np.array_equal(RedisBank(store).lookup(ids(300)), next_one.lookup(ids(300)))


def test_the_same_version_can_be_pushed_again_after_a_kill(store: Address, tmp_path: Path) -> None:
    bank = write(tmp_path)
    pusher = SERVER.Process(target=push_and_die, args=(bank.path, store, 0.3))
    pusher.start()
    pusher.join(60)
    with pytest.raises(InputError, match="no bank there"):
        RedisBank(store)
    wait_for(lambda: not Layout(store).client.exists(store.key("lock")), 5)
    assert push(bank, store).done == "pushed"
    assert np.array_equal(RedisBank(store).lookup(ids(300)), bank.lookup(ids(300)))


def test_the_second_of_two_pushers_is_refused(store: Address, tmp_path: Path) -> None:
    one, other = write(tmp_path, 1), write(tmp_path, 2)
    begun, go_on = SERVER.Event(), SERVER.Event()
    pusher = SERVER.Process(target=push_slowly, args=(one.path, store, begun, go_on))
    pusher.start()
    assert begun.wait(60)
    with pytest.raises(InputError, match=rf"process {pusher.pid} on .* is writing there; wait"):
        push(other, store)
    go_on.set()
    pusher.join(60)
    assert pusher.exitcode == 0
    assert RedisBank(store).version == one.path.name
    assert push(other, store).done == "pushed"


def test_a_pusher_that_lost_its_lock_writes_nothing_more(
    store: Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushing, "BATCH", 3)
    one, other = write(tmp_path, 1), write(tmp_path, 2)
    client = Layout(store).client
    turns: list[int] = []

    def progress(done: int, total: int) -> None:
        turns.append(done)
        if len(turns) == 2:  # as if it had been stopped for longer than the lock lasts
            client.delete(store.key("lock"))
            assert push(other, store).deleted == (one.path.name,)

    with pytest.raises(InputError, match="stood still for more than 30 s"):
        push(one, store, progress=progress)
    assert RedisBank(store).version == other.path.name
    assert not list(client.scan_iter(store.key(one.path.name, "*")))
    assert info(store).half_pushed == []


def test_the_lock_is_renewed_with_every_batch(
    store: Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushing, "BATCH", 3)
    monkeypatch.setattr(push_lock, "EXPIRY_S", 0.5)
    taken = []

    def progress(done: int, total: int) -> None:
        time.sleep(0.2)
        taken.append(done)

    assert push(write(tmp_path), store, progress=progress).done == "pushed"
    assert len(taken) > 4  # longer than the lock would have lasted
    assert not Layout(store).client.exists(store.key("lock"))


def test_the_lock_is_renewed_while_the_keys_of_an_older_version_are_looked_for(
    store: Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = write(tmp_path, 1), write(tmp_path, 2)
    push(old, store)
    push(new, store)
    begun = time.monotonic()

    def slowly(layout: Layout, version: str, entry: Entry) -> Iterator[str]:
        for key in keys(layout, version, entry):
            time.sleep(0.1)
            yield key

    keys = Layout.keys
    monkeypatch.setattr(Layout, "keys", slowly)
    monkeypatch.setattr(pushing, "BATCH", 3)
    monkeypatch.setattr(push_lock, "EXPIRY_S", 1.0)
    assert push(old, store).done == "swapped"
    assert time.monotonic() - begun > 1.5  # longer than the lock would have lasted
