"""Backward of a part of a batch, under Lightning."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.strategies import ParallelStrategy
from torch import Tensor, distributed

from userip_lightning.distributed.gradients import sum_gradients
from userip_lightning.distributed.part import Part, taking
from userip_lightning.distributed.randomness import WholeBatchRandomness


@contextmanager
def sharing(trainer: Trainer, part: Part, weights: Iterable[Tensor]) -> Iterator[None]:
    """Forward and backward on a part in the block; afterwards gradients are those of the whole batch.

    The loss in the block has to be the part's share of the whole one, so that the ranks' losses add up.
    Torch's own averaging over ranks, which knows nothing of parts of different size, is held back.

    Args:
        trainer: the Trainer at work.
        part: the rows that the block sees.
        weights: whose gradients to add up.
    """
    strategy = trainer.strategy
    if not isinstance(strategy, ParallelStrategy):
        raise TypeError(f"{type(strategy).__name__} has several ranks and is no ParallelStrategy.")
    with strategy.block_backward_sync(), taking(part), WholeBatchRandomness(part):
        yield
    sum_gradients(weights)


@torch.no_grad()
def copy_first(tensors: Iterable[Tensor], ranks: int) -> None:
    """Overwrite the tensors of ``ranks`` ranks with those of the first: machines may round differently."""
    if ranks > 1:
        for tensor in tensors:
            distributed.broadcast(tensor, src=0)
