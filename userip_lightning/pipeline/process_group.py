"""The processes that go through one experiment together: what the first of them does for all."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TypeVar, cast

from torch import distributed
from torch.distributed.distributed_c10d import PrefixStore, Store

#: Seconds between two looks at whether the first process is done.
PERIOD = 0.05

Found = TypeVar("Found")


class World:
    """Processes that follow one plan, in the same order; by default a single one.

    Args:
        rank: number of this process, from 0.
        size: how many there are.
        store: where they leave word for each other; None for a single one.
        backend: what tensors travel by.
    """

    def __init__(
        self, rank: int = 0, size: int = 1, store: Store | None = None, backend: str = "gloo"
    ) -> None:
        self.rank = rank
        self.size = size
        self.store = store
        self.backend = backend
        self._turn = 0
        self._groups = 0

    def first(self, work: Callable[[], Found]) -> Found:
        """Let the first process work while the others wait, however long it takes.

        Waiting is no collective, which would time out, and Ctrl+C gets through.

        Args:
            work: returns a JSON value.

        Returns:
            What the first process found, on every process.
        """
        if self.store is None:
            return work()
        self._turn += 1
        key = f"turn/{self._turn}"
        if self.rank == 0:
            found = work()
            self.store.set(key, json.dumps(found))
            return found
        while not self.store.check([key]):
            time.sleep(PERIOD)
        return cast(Found, json.loads(self.store.get(key)))

    def connect(self) -> None:
        """Make all processes torch's default group, unless they are; all of them have to call it."""
        if self.store is None or distributed.is_initialized():
            return
        self._groups += 1
        store = PrefixStore(f"group/{self._groups}", self.store)
        distributed.init_process_group(self.backend, store=store, rank=self.rank, world_size=self.size)

    def disconnect(self) -> None:
        """Undo :meth:`connect`; all of them have to call it.

        In a group Lightning waits for the other processes even where a Trainer has but one.
        """
        if self.store is None or not distributed.is_initialized():
            return
        key = f"parted/{self._groups}"
        self.store.add(key, 1)
        while self.store.add(key, 0) < self.size:  # what they still have to send needs the connection
            time.sleep(PERIOD)
        distributed.destroy_process_group()

    def leave(self, patience_s: float) -> None:
        """Say that this process is through; the first one, which may hold the store, waits for the others."""
        if self.store is None:
            return
        if self.rank > 0:
            self.store.add("left", 1)
            return
        end = time.monotonic() + patience_s
        while self.store.add("left", 0) < self.size - 1 and time.monotonic() < end:
            time.sleep(PERIOD)


#: A single process.
ALONE = World()
