"""The processes that go through one experiment together: what the first of them does for all."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TypeVar, cast

from torch.distributed.distributed_c10d import Store

#: Seconds between two looks at whether the first process is done.
PERIOD = 0.05

Found = TypeVar("Found")


class World:
    """Processes that follow one plan, in the same order; by default a single one.

    Args:
        rank: number of this process, from 0.
        size: how many there are.
        store: where they leave word for each other; None for a single one.
    """

    def __init__(self, rank: int = 0, size: int = 1, store: Store | None = None) -> None:
        self.rank = rank
        self.size = size
        self.store = store
        self._turn = 0

    def first(self, work: Callable[[], Found]) -> Found:
        """Let the first process work while the others wait, however long it takes.

        Waiting is no collective, which would time out, and Ctrl+C gets through.

        Args:
            work: returns a JSON value.

        Returns:
            What the first process found, on every process.
        """
        self._turn += 1
        if self.store is None:
            return work()
        key = f"turn/{self._turn}"
        if self.rank == 0:
            found = work()
            self.store.set(key, json.dumps(found))
            return found
        while not self.store.check([key]):
            time.sleep(PERIOD)
        return cast(Found, json.loads(self.store.get(key)))

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
