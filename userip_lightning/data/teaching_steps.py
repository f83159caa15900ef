"""In which steps an encoder learns: it knows a part of every user's items and has to make the others likely.

If it knew the others, too, it would learn to repeat items and not what goes with them. Draws are functions
of seed, epoch and block alone, as in :mod:`userip_lightning.data.profile_steps`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch.utils.data import IterableDataset

from userip_lightning.batches import KnownItems, TeachingStep
from userip_lightning.data.profile_steps import BlockSteps, BodySource, Shape, batches_by_length
from userip_lightning.profile.body import Drawn, Ints


class TeachingSteps(IterableDataset[TeachingStep]):
    """As many steps as ``staged`` takes, block by block; the blocks in an order of the epoch.

    Args:
        source: of bodies.
        users: U.
        shape: sizes.
        epoch: tells the current epoch.
    """

    def __init__(self, source: BodySource, users: int, shape: Shape, epoch: Callable[[], int]) -> None:
        self.source, self.users, self.shape, self.epoch = source, users, shape, epoch
        self.draws = max(1, shape.inner_steps)

    def __len__(self) -> int:
        return sum(self._parts(self._speaking(first)) * self.draws for first in self._blocks())

    def __iter__(self) -> Iterator[TeachingStep]:
        blocks = self.shape.rng(self.epoch()).permutation(self._blocks())
        for first in blocks.tolist():
            users = self._speaking(first)
            rng = self.shape.rng(self.epoch(), first)
            for _ in range(self.draws if len(users) else 0):
                yield from self._block(users, rng)

    def _block(self, users: Ints, rng: np.random.Generator) -> Iterator[TeachingStep]:
        told, known = self.source.behaviours.divide(users, self.shape.behaviours, rng)
        bodies = self.source.writer.write(told, self.source.items, len(users))
        batches = batches_by_length(bodies.length, self._parts(users))
        for place in rng.permutation(len(batches)):
            chosen = batches[place]
            yield TeachingStep(self.source.batch(users, bodies, chosen), known_items(known, chosen))

    def _blocks(self) -> Ints:
        return np.arange(0, self.users, self.shape.block)

    def _speaking(self, first: int) -> Ints:
        users = np.arange(first, min(first + self.shape.block, self.users))
        return self.source.behaviours.speaking(users)

    def _parts(self, users: Ints) -> int:
        return -(-len(users) // self.shape.batch)


class Phases(IterableDataset[Any]):
    """An encoder's epochs, then those of the users; Lightning asks for one loader for both.

    Args:
        teaching: of the first ``epochs`` epochs.
        steps: of the others.
        epochs: of the encoder.
        epoch: tells the current epoch.
    """

    def __init__(
        self, teaching: TeachingSteps, steps: BlockSteps, epochs: int, epoch: Callable[[], int]
    ) -> None:
        self.teaching, self.steps, self.epochs, self.epoch = teaching, steps, epochs, epoch

    def __len__(self) -> int:
        return max(len(self.teaching), len(self.steps))

    def __iter__(self) -> Iterator[Any]:
        yield from self.teaching if self.epoch() < self.epochs else self.steps


def known_items(items: Drawn, chosen: Ints) -> KnownItems:
    """Items of some of the users at hand, in the order of ``chosen``."""
    begin, end = np.searchsorted(items.user, chosen), np.searchsorted(items.user, chosen, side="right")
    place = np.concatenate([np.arange(first, last) for first, last in zip(begin, end, strict=True)])
    user = np.repeat(np.arange(len(chosen)), end - begin)
    return KnownItems(*(torch.from_numpy(column) for column in (user, items.group[place], items.item[place])))
