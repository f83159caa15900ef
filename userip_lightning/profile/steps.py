"""In which steps the LM goes through the users: blocks, ranks, and batches of about equal length.

Users come in blocks. A block's behaviours are drawn anew for each of its inner steps by a generator that
knows seed, epoch and block alone, so neither a resumed run nor another number of processes changes a draw.
Within a block users are sorted by their exact length and cut into batches of about equally many tokens, so
that little is padding; a row's width is rounded up to a sixteenth of an octave, so that few shapes occur.

- ``staged`` and ``streaming``: users do not depend on each other. Blocks hold consecutive users, and a rank
  takes whole blocks.
- ``joint``: the prior couples the users of a batch, which are drawn from everywhere, in one process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import IterableDataset

from userip_lightning.batches import ProfileBatch, ProfileStep, RecBatch
from userip_lightning.profile.behaviours import Behaviours
from userip_lightning.profile.prompt_bodies import Bodies, BodyWriter, Ints, Tokens
from userip_lightning.seeds import place_generator


class Shape(NamedTuple):
    """Sizes that decide the steps."""

    block: int  #       users per block
    batch: int  #       users per batch, on average
    behaviours: int  #  shown per user and step, at most
    inner_steps: int
    seed: int

    def rng(self, *place: int) -> np.random.Generator:
        """Generator of an epoch, or of a place in it; those of two places differ, also in depth."""
        return place_generator(self.seed, *place)


class RankBlocks(NamedTuple):
    """Which blocks of users are this process's."""

    rank: int
    world: int

    def owns(self, users: Ints, block: int) -> NDArray[np.bool_]:
        """[U] whether these users are among its blocks."""
        mine: NDArray[np.bool_] = users // block % self.world == self.rank
        return mine

    def firsts(self, rank: int, users: int, block: int) -> range:
        """First users of the blocks of process ``rank``."""
        return range(rank * block, users, self.world * block)


#: A step of a process that has no users left.
IDLE = ProfileStep(first=-1, users=0, batch=None, opens=False, closes=False)


class BodySource(NamedTuple):
    """Where bodies come from."""

    behaviours: Behaviours
    items: Tokens
    writer: BodyWriter
    rows_of: Callable[[Ints], RecBatch]

    def draw(self, users: Ints, count: int, rng: np.random.Generator) -> Bodies:
        """Bodies of these users with at most ``count`` behaviours each."""
        return self.writer.write(self.behaviours.draw(users, count, rng), self.items, len(users))

    def batch(self, users: Ints, bodies: Bodies, chosen: Ints) -> ProfileBatch:
        """Some of the bodies of ``users``, padded to a common width."""
        columns = bodies.rows(chosen, padded_width(int(bodies.length[chosen].max())))
        tensors = {name: torch.from_numpy(values) for name, values in columns.items()}
        return ProfileBatch(user=torch.from_numpy(users[chosen]), rows=self.rows_of(users[chosen]), **tensors)


def padded_width(tokens: int) -> int:
    """``tokens`` rounded up to a sixteenth of the power of two below."""
    step = max(1, 1 << max(0, tokens.bit_length() - 5))
    return -(-tokens // step) * step


def batches_by_length(length: Ints, count: int) -> list[Ints]:
    """Cut users, sorted by length, into ``count`` batches of about equally many tokens, one user at least."""
    order = np.argsort(length, kind="stable")
    tokens = length[order].cumsum()
    number = np.arange(1, count)
    ends = np.searchsorted(tokens, tokens[-1] * number / count) + 1
    ends = np.maximum.accumulate(ends - number) + number  # nobody's batch is empty, from below ...
    return np.split(order, np.minimum(ends, len(order) - count + number))  # ... and from above


class BlockSteps(IterableDataset[ProfileStep]):
    """``staged`` and ``streaming``: consecutive users, whole blocks.

    Lightning's processes meet at every step, so all have as many: those that are through earlier idle.

    Args:
        source: of bodies.
        users: U.
        shape: sizes.
        share: of this process.
        epoch: tells the current epoch.
        done: first users of blocks that need no step any more.
    """

    def __init__(
        self,
        source: BodySource,
        users: int,
        shape: Shape,
        share: RankBlocks,
        epoch: Callable[[], int],
        done: frozenset[int] = frozenset(),
    ) -> None:
        self.source, self.users, self.shape, self.epoch = source, users, shape, epoch
        open_blocks = [
            [first for first in share.firsts(rank, users, shape.block) if first not in done]
            for rank in range(share.world)
        ]
        self.blocks = open_blocks[share.rank]
        self.steps = max(sum(map(self._steps_of, blocks)) for blocks in open_blocks)
        source.behaviours.release()

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[ProfileStep]:
        taken = 0
        for first in self.blocks:
            for step in self._block(first):
                taken += 1
                yield step
        yield from (IDLE for _ in range(self.steps - taken))

    def _block(self, first: int) -> Iterator[ProfileStep]:
        count = min(self.shape.block, self.users - first)
        batches = self._batches(first)
        batch, opens = next(batches, None), True
        while (after := next(batches, None)) is not None:
            yield ProfileStep(first, count, batch, opens, closes=False)
            batch, opens = after, False
        yield ProfileStep(first, count, batch, opens, closes=True)

    def _batches(self, first: int) -> Iterator[ProfileBatch]:
        users = self._speaking(first)
        if not len(users):
            return
        for step in range(self.shape.inner_steps):
            rng = self.shape.rng(self.epoch(), first, step)
            bodies = self.source.draw(users, self.shape.behaviours, rng)
            batches = batches_by_length(bodies.length, _parts(len(users), self.shape.batch))
            for place in rng.permutation(len(batches)):
                yield self.source.batch(users, bodies, batches[place])

    def _speaking(self, first: int) -> Ints:
        users = np.arange(first, min(first + self.shape.block, self.users))
        return self.source.behaviours.speaking(users)

    def _steps_of(self, first: int) -> int:
        return max(1, _parts(len(self._speaking(first)), self.shape.batch) * self.shape.inner_steps)


class JointSteps(IterableDataset[ProfileStep]):
    """``joint``: every batch of users drawn from everywhere, in an order that is a function of (seed, epoch).

    Args:
        source: of bodies.
        users: U.
        shape: sizes.
        epoch: tells the current epoch.
    """

    def __init__(self, source: BodySource, users: int, shape: Shape, epoch: Callable[[], int]) -> None:
        self.source, self.shape, self.epoch = source, shape, epoch
        self.users = source.behaviours.speaking(np.arange(users))

    def __len__(self) -> int:
        return _parts(len(self.users), self.shape.batch) * self.shape.inner_steps

    def __iter__(self) -> Iterator[ProfileStep]:
        rng = self.shape.rng(self.epoch())
        order = rng.permutation(self.users)
        for first in range(0, len(order), self.shape.batch):
            users = order[first : first + self.shape.batch]
            for step in range(self.shape.inner_steps):
                bodies = self.source.draw(users, self.shape.behaviours, rng)
                batch = self.source.batch(users, bodies, np.arange(len(users)))
                last = step == self.shape.inner_steps - 1
                yield ProfileStep(first, len(users), batch, opens=step == 0, closes=last)


class HeldOutBatches(IterableDataset[ProfileBatch | None]):
    """Held-out behaviours of some users, the same ones every time.

    Every process draws all of them and hands out its share, so that one or many judge the same bodies. All
    have as many batches; one that is through earlier gets ``None``.

    Args:
        source: of bodies.
        users: U.
        judged: how many users at most.
        shape: sizes.
        share: of this process.
    """

    def __init__(self, source: BodySource, users: int, judged: int, shape: Shape, share: RankBlocks) -> None:
        self.source, self.shape, self.share = source, shape, share
        rng = np.random.default_rng(shape.seed)
        everybody = np.arange(users if judged else 0)
        chosen = rng.permutation(source.behaviours.speaking(everybody))[:judged]
        firsts = range(0, len(chosen), shape.batch)
        self.batches = [chosen[first : first + shape.batch] for first in firsts]
        # "another user's z" needs company, so a last user alone joins the batch before
        if len(self.batches) > 1 and len(self.batches[-1]) == 1:
            last = self.batches.pop()
            self.batches[-1] = np.concatenate([self.batches[-1], last])

    def __len__(self) -> int:
        return _parts(len(self.batches), self.share.world)

    def __iter__(self) -> Iterator[ProfileBatch | None]:
        rng = np.random.default_rng(self.shape.seed + 1)
        for number, users in enumerate(self.batches):
            bodies = self.source.draw(users, self.shape.behaviours, rng)
            if number % self.share.world == self.share.rank:
                yield self.source.batch(users, bodies, np.arange(len(users)))
        if self.share.rank >= (len(self.batches) - 1) % self.share.world + 1:
            yield None


def _parts(users: int, batch: int) -> int:
    return -(-users // batch)
