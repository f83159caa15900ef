"""Batches of prompts of like lengths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from userip_lightning.baselines.history import Ints
from userip_lightning.baselines.rella.encoded import Prompts
from userip_lightning.seeds import place_generator

#: Batches whose prompts are sorted by length together in training: little padding, and still a random batch.
POOL = 16


class ReLLaBatch(NamedTuple):
    """Prompts of B rows, padded on the left, so that the answer comes after the last column."""

    ids: Tensor  #    [B, T] int64
    valid: Tensor  #  [B, T] int64, 0 on padding
    label: Tensor  #  [B] float32, 0 or 1
    row_id: Tensor  # [B] int64


class PromptBatches:
    """Batches of ``prompts``; in training in an order that is a function of (seed, epoch) alone.

    Args:
        prompts: N of them.
        batch_size: rows per batch; the last batch may be smaller.
        shuffle_seed: None sorts by length, the longest first, so that what does not fit fails at once.
    """

    def __init__(self, prompts: Prompts, batch_size: int, shuffle_seed: int | None) -> None:
        self.prompts = prompts
        self.batch_size = batch_size
        self.shuffle_seed = shuffle_seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next pass."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Number of batches."""
        return -(-len(self.prompts.row_id) // self.batch_size)

    def __iter__(self) -> Iterator[ReLLaBatch]:
        # A generator starts at the first next(), as it must: Lightning asks for iterators before the epoch.
        for rows in self._ordered():
            yield self._batch(rows)

    def _ordered(self) -> list[Ints]:
        """Rows of every batch."""
        length, size = self.prompts.length, self.batch_size
        if self.shuffle_seed is None:
            order = np.argsort(-length, kind="stable")
            return [order[first : first + size] for first in range(0, len(order), size)]
        generator = place_generator(self.shuffle_seed, self.epoch)
        order = generator.permutation(len(length))
        pools = [order[first : first + POOL * size] for first in range(0, len(order), POOL * size)]
        order = np.concatenate([pool[np.argsort(length[pool], kind="stable")] for pool in pools])
        batches = [order[first : first + size] for first in range(0, len(order), size)]
        whole = len(order) // size  # a smaller batch stays the last one
        return [*(batches[at] for at in generator.permutation(whole)), *batches[whole:]]

    def _batch(self, rows: Ints) -> ReLLaBatch:
        prompts = self.prompts
        width = int(prompts.length[rows].max())
        ids = np.zeros((len(rows), width), dtype=np.int64)
        valid = np.zeros((len(rows), width), dtype=np.int64)
        for line, row in enumerate(rows):
            own = prompts.ids[prompts.offset[row] : prompts.offset[row + 1]]
            ids[line, width - len(own) :] = own
            valid[line, width - len(own) :] = 1
        label, row_id = prompts.label[rows], prompts.row_id[rows]
        return ReLLaBatch(*map(torch.from_numpy, (ids, valid, label, row_id)))
