"""What other processes do with a store while a test looks on."""

import os
import signal
import time
from multiprocessing.synchronize import Event, Semaphore
from pathlib import Path
from queue import Queue
from typing import NamedTuple

import numpy as np

from tests.serving.banks import SIZES, ids
from userip_lightning.bank import FeatureBank
from userip_lightning.serving.redis_store import Address, RedisBank, push, push_lock, pushing


class Seen(NamedTuple):
    """What a reader saw in all its answers.

    Args:
        answers: how many there were.
        versions: distinct versions.
        mixed: answers of which some codes are of another version than the others.
        missing: answers in which a user had a reserved code.
        failed: what a lookup raised.
    """

    answers: int
    versions: int
    mixed: int
    missing: int
    failed: str


def watch(url: str, users: int, begun: Semaphore, over: Event, seen: "Queue[Seen]") -> None:
    """Look all users up again and again; code of user u in version v is u + v, modulo the size."""
    bank, asked = RedisBank(url), ids(users)
    numbers = np.arange(users)[:, None]
    answers = mixed = missing = 0
    versions: set[tuple[int, ...]] = set()
    failed = ""
    while not over.is_set():
        try:
            codes = bank.lookup(asked)
        except Exception as error:
            failed = repr(error)
            break
        version = (codes - numbers) % np.array(SIZES)
        answers += 1
        if answers == 1:
            begun.release()
        missing += bool((codes == SIZES).any())
        mixed += bool((version != version[0]).any())
        versions.add(tuple(version[0].tolist()))
    seen.put(Seen(answers, len(versions), mixed, missing, failed))


def push_and_die(path: Path, store: Address, expiry_s: float) -> None:
    """Push a version and be killed when half of it is there."""
    push_lock.EXPIRY_S, pushing.BATCH = expiry_s, 3

    def progress(done: int, total: int) -> None:
        if done >= total / 2:
            os.kill(os.getpid(), signal.SIGKILL)

    push(FeatureBank.open(path), store, progress=progress)


def push_slowly(path: Path, store: Address, begun: Event, go_on: Event) -> None:
    """Push a version, and pause after its first keys until told to go on."""
    pushing.BATCH = 3

    def progress(done: int, total: int) -> None:
        begun.set()
        go_on.wait(60)

    push(FeatureBank.open(path), store, progress=progress)


def wait_for(condition: object, seconds: float = 30.0) -> None:
    """Until ``condition()`` is true."""
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
