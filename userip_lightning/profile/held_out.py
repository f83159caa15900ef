"""Does z say something about its user? Held-out likelihood under own, another user's and no z."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class HeldOut(NamedTuple):
    """Nats per held-out token, one number per user; what ``profile_eval.json`` holds."""

    own: list[float]
    other: list[float]
    none: list[float]

    def extend(self, own: Tensor, other: Tensor, none: Tensor) -> None:
        """Add users, [B] each."""
        for column, values in zip(self, (own, other, none), strict=True):
            column.extend(values.tolist())


def roll_users(z: Tensor) -> Tensor:
    """[B, ...] with every user's z handed to the next; the batch needs two users or more."""
    return z.roll(1, 0)
