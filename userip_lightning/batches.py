"""What DataModules hand to LightningModules. B users, T tokens, N rows, F fields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor


class CTRBatch(NamedTuple):
    """Rows for a CTR network."""

    fields: Tensor  # [N, F] int64, columns as in FeatureSchema
    label: Tensor  #  [N] float32, 0 or 1
    row_id: Tensor  # [N] int64

    def split(self, rows: int) -> Iterator[CTRBatch]:
        """Consecutive batches of ``rows`` rows, the last one perhaps smaller; views of this one."""
        return map(CTRBatch._make, zip(*(torch.split(column, rows) for column in self), strict=True))


class RecBatch(NamedTuple):
    """Rows for the recommendation loss on profiles (Eq. 5, third term)."""

    user: Tensor  #  [N] int64, row of the user in the profile vectors at hand
    item: Tensor  #  [N] int64, dense item index
    label: Tensor  # [N] float32, 0 or 1


class ProfileBatch(NamedTuple):
    """Behaviours of users as the bodies of their prompts; right-padded.

    ``segment``, ``head``, ``position`` and ``source`` are those of
    :class:`userip_lightning.profile.prompt_bodies.Bodies`.
    """

    user: Tensor  #     [B] int64, row of the user in the population
    ids: Tensor  #      [B, T] int64
    valid: Tensor  #    [B, T] bool, False on padding
    target: Tensor  #   [B, T] bool, True where the likelihood counts; a subset of valid
    segment: Tensor  #  [B, T] int64
    head: Tensor  #     [B, T] int64
    position: Tensor  # [B, T] int64, relative to the end of the prefix
    source: Tensor  #   [B, T] int64, place in the body whose hidden state predicts the token
    rows: RecBatch  #   the users' training rows, user is 0 .. B - 1; none where no prior asks for them


class ProfileStep(NamedTuple):
    """One step of the LM on some users of a block; a block's steps follow one another."""

    first: int  #                   first user of the block
    users: int  #                   users of the block: first .. first + users - 1
    batch: ProfileBatch | None  #   None where nobody has a behaviour, or no user is left
    opens: bool  #                  the block's first step
    closes: bool  #                 the block's last step
