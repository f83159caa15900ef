"""What one rank does of a batch of stage 2: the rows of some of its users.

A user stays on one rank, so the terms that are means over users (codebook, commitment, anchor) count each of
them once, and what is summed by user is summed in the order of one process.
"""

from __future__ import annotations

from typing import NamedTuple

import torch

from userip_lightning.batches import RecBatch
from userip_lightning.distributed.part import Part
from userip_lightning.quantize.losses import QuantizeTerms


class RankRows(NamedTuple):
    """A rank's rows of a batch, and what means over them count for in those over the batch.

    Args:
        batch: the rows.
        rows: share of the batch's rows.
        users: share of the batch's users.
    """

    batch: RecBatch
    rows: float = 1.0
    users: float = 1.0

    def counted(self, terms: QuantizeTerms) -> QuantizeTerms:
        """Terms of the rows as they count in the batch; those of all ranks add up to the batch's."""
        return QuantizeTerms(
            codebook=self.users * terms.codebook,
            commitment=self.users * terms.commitment,
            recommendation=self.rows * terms.recommendation,
        )


def rank_rows(batch: RecBatch, part: Part) -> RankRows:
    """The rows of a part, and what they count for."""
    own = RecBatch(*(column[part.rows] for column in batch))
    users = len(torch.unique(own.user)) / len(torch.unique(batch.user)) if part.counted else 0.0
    return RankRows(own, part.weight, users)
