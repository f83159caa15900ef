"""A loader of blocks of users that a Trainer takes as it is; every pass has the same blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

Block = TypeVar("Block")


class UserBlocks(Generic[Block]):
    """Blocks of users that lie in memory.

    Args:
        take: a slice of users to their block.
        users: how many there are.
        size: of a block; the last one may be smaller.
    """

    def __init__(self, take: Callable[[slice], Block], users: int, size: int) -> None:
        self.take = take
        self.users = users
        self.size = size

    def __iter__(self) -> Iterator[Block]:
        for first in range(0, self.users, self.size):
            yield self.take(slice(first, min(first + self.size, self.users)))

    def __len__(self) -> int:
        """Number of blocks."""
        return -(-self.users // self.size)
