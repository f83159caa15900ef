"""Does z say something about its user? Held-out likelihood under own, another user's and no z."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, zip_longest
from typing import NamedTuple, TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor

Item = TypeVar("Item")


class HeldOut(NamedTuple):
    """Nats per held-out token, one number per user; what ``profile_eval.json`` holds."""

    own: list[float]
    other: list[float]
    none: list[float]

    def means(self) -> dict[str, float]:
        """Nats under own z, and what it gains over the others; nothing where nobody was judged."""
        if not self.own:
            return {}
        own, other, none = (sum(nats) / len(nats) for nats in self)
        return {"own": own, "gain_over_other": other - own, "gain_over_none": none - own}


class JudgedUsers(NamedTuple):
    """Soft tokens of the users whose held-out behaviours are judged."""

    users: Tensor  #  [J] sorted rows of the population
    z: Tensor  #      [J, P, S, D] float32, on the host

    def of(self, users: Tensor) -> Tensor:
        """[B, P, S, D] of these users, where they are."""
        return self.z[torch.searchsorted(self.users, users.cpu())].to(users.device)


def join_batches(batches: Sequence[HeldOut], world: int) -> HeldOut:
    """The users of all batches in order; of ``world`` processes, each had every ``world``-th batch."""
    ordered = gather_lists(batches, world)
    columns = zip(*ordered, strict=True) if ordered else ([], [], [])
    return HeldOut(*(list(chain.from_iterable(column)) for column in columns))


def gather_lists(own: Sequence[Item], world: int) -> list[Item]:
    """The lists of ``world`` processes as one: every first entry, every second, and so on."""
    gathered: list[Sequence[Item]] = [own]
    if world > 1:
        gathered = [[] for _ in range(world)]
        dist.all_gather_object(gathered, list(own))
    missing = object()
    turns = zip_longest(*gathered, fillvalue=missing)
    return [cast(Item, entry) for turn in turns for entry in turn if entry is not missing]


def roll_users(z: Tensor) -> Tensor:
    """[B, ...] with every user's z handed to the next; the batch needs two users or more."""
    return z.roll(1, 0)
