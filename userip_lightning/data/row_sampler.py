"""Batches of row numbers for data that lie in tensors: one gather per batch, no Python per row."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from userip_lightning.seeds import place_seed


class RowBatchSampler:
    """Yields [N] int64 row numbers, the batches of a :class:`~userip_lightning.data.row_loader.RowLoader`.

    The order is a function of the seed and the epoch alone, so a resumed run sees the rows that an
    uninterrupted one sees.

    Args:
        rows: number of rows.
        batch_size: N; the last batch may be smaller.
        seed: of the shuffling, or None for the order as it is.
    """

    def __init__(self, rows: int, batch_size: int, seed: int | None) -> None:
        self.rows = rows
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order comes next."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[Tensor]:
        # A generator, so that the order is drawn with the first batch: Lightning opens the first iterator
        # of a resumed run before it tells the sampler the epoch.
        yield from torch.split(self._order(), self.batch_size)

    def __len__(self) -> int:
        return -(-self.rows // self.batch_size)

    def _order(self) -> Tensor:
        if self.seed is None:
            return torch.arange(self.rows)
        generator = torch.Generator().manual_seed(place_seed(self.seed, self.epoch))
        return torch.randperm(self.rows, generator=generator)
