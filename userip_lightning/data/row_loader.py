"""A loader of whole batches that a Trainer takes as it is.

Of a torch ``DataLoader`` Lightning would hand every rank other batches; here all ranks see each batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from torch import Tensor

from userip_lightning.data.row_sampler import RowBatchSampler

Batch = TypeVar("Batch")


class RowLoader(Generic[Batch]):
    """Batches of rows that lie in tensors.

    Args:
        take: [N] int64 row numbers to a batch.
        order: yields row numbers.
    """

    def __init__(self, take: Callable[[Tensor], Batch], order: RowBatchSampler) -> None:
        self.take = take
        self.order = order

    def __iter__(self) -> Iterator[Batch]:
        return map(self.take, self.order)

    def __len__(self) -> int:
        """Number of batches."""
        return len(self.order)
