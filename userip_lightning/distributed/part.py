"""Which rows of a batch a rank takes. Losses are means over rows, so a part's loss counts by its weight."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

import torch
from torch import Tensor

_active: ContextVar[Part | None] = ContextVar("part", default=None)


class Part(NamedTuple):
    """A rank's rows of a batch of N rows.

    Networks and normalization do not take an empty batch, and every rank has to go through every step. So a
    rank without rows takes row 0 beside the rank that owns it, and counts it for nothing.

    Args:
        rows: [n] int64, ascending places in the batch; one where the part is empty.
        counted: rows that count, n or 0.
        total: N.
    """

    rows: Tensor
    counted: int
    total: int

    @property
    def weight(self) -> float:
        """Share of the batch; those of all ranks add up to 1."""
        return self.counted / self.total


def every(total: int, rank: int, ranks: int, device: torch.device) -> Part:
    """Rows rank, rank + ranks, ... of ``total``."""
    return _part(torch.arange(total, device=device)[rank::ranks], total)


def of_users(user: Tensor, rank: int, ranks: int) -> Part:
    """The rows [N] of those users whose number is ``rank`` modulo ``ranks``: no user is on two ranks."""
    return _part((user % ranks == rank).nonzero().squeeze(1), len(user))


def _part(rows: Tensor, total: int) -> Part:
    return Part(rows if len(rows) else rows.new_zeros(1), len(rows), total)


def active() -> Part | None:
    """The part that the code below :func:`taking` works on; None where all rows are at hand."""
    return _active.get()


@contextmanager
def taking(part: Part) -> Iterator[None]:
    """Tell the layers of a network that they see a part of the batch."""
    token = _active.set(part)
    try:
        yield
    finally:
        _active.reset(token)
