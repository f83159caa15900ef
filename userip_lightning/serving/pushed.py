"""What a push into a store did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

#: Is called with how much is done, and how much there is in all.
Progress = Callable[[int, int], object]


class Pushed(NamedTuple):
    """What a push did.

    Args:
        version: the current one now.
        done: ``pushed``; ``swapped`` where the store had it as an older one; ``current`` where it was that.
        deleted: versions that went, older or half-pushed ones.
    """

    version: str
    done: Literal["pushed", "swapped", "current"]
    deleted: tuple[str, ...]
