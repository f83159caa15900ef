"""Batches as slices of whole tensors: no row is ever touched by Python."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from userip_lightning.batches import CTRBatch
from userip_lightning.seeds import place_generator

#: Rows that are put in order at a time: one gather for many batches, a copy of few rows.
CHUNK = 1 << 16


class RowSlices:
    """Batches of ``rows``, in an order that is a function of (seed, epoch) alone.

    Under several ranks each gets an interleaved part of the same order. All parts are of one length, which
    collectives need: up to ``ranks - 1`` rows come twice, so whoever judges drops repeated row ids.

    Args:
        rows: all rows, N of them.
        batch_size: rows per batch and rank; the last batch may be smaller.
        shuffle_seed: None keeps the order of ``rows``.
        rank: which part to yield.
        ranks: number of parts.
    """

    def __init__(
        self, rows: CTRBatch, batch_size: int, shuffle_seed: int | None, rank: int, ranks: int
    ) -> None:
        self.rows = rows
        self.batch_size = batch_size
        self.shuffle_seed = shuffle_seed
        self.rank = rank
        self.ranks = ranks
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next pass."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Number of batches."""
        return -(-self._share // self.batch_size)

    def __iter__(self) -> Iterator[CTRBatch]:
        # A generator starts at the first next(), as it must: Lightning asks for iterators before the epoch.
        batches_per_chunk = max(1, CHUNK // self.batch_size)
        for chunk in torch.split(self._order(), batches_per_chunk * self.batch_size):
            ordered = (torch.split(column.index_select(0, chunk), self.batch_size) for column in self.rows)
            yield from map(CTRBatch._make, zip(*ordered, strict=True))

    def _order(self) -> Tensor:
        """Rows of this rank, [share] int64."""
        total = len(self.rows.label)
        if self.shuffle_seed is None:
            order = torch.arange(total)
        else:
            # NumPy's generator, because torch's on the CPU tells seeds apart by their low 32 bits alone.
            order = torch.from_numpy(place_generator(self.shuffle_seed, self.epoch).permutation(total))
        return order[torch.arange(self.rank, self._share * self.ranks, self.ranks) % total]

    @property
    def _share(self) -> int:
        """Rows per rank."""
        return -(-len(self.rows.label) // self.ranks)
