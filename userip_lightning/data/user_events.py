"""What users did, as counts of events: an item where the log is implicit, an item with its label else."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from userip_lightning.data.prepared import PreparedData
from userip_lightning.schema import SUPPORT, TRAIN


class UserEvents(NamedTuple):
    """Logged TRAIN and SUPPORT rows; sampled negatives are no events.

    Args:
        counts: [U, I], or [U, 2 I] of an explicit log: column i is item i disliked, column I + i liked.
        explicit: whether logged labels differ.
    """

    counts: csr_matrix
    explicit: bool

    @staticmethod
    def of(prepared: PreparedData) -> UserEvents:
        rows = prepared.rows(TRAIN, SUPPORT).filter("logged")
        explicit = rows["label"].n_unique() > 1
        event: NDArray[np.int64] = rows["item"].to_numpy().astype(np.int64)
        if explicit:
            event = event + prepared.n_items * rows["label"].cast(pl.Int64).to_numpy()
        cells = (np.ones(rows.height), (rows["user"].to_numpy(), event))
        shape = (prepared.n_users, prepared.n_items * (2 if explicit else 1))
        return UserEvents(csr_matrix(cells, shape=shape), explicit)

    def positives(self) -> csr_matrix:
        """[U, I]: how often a user had an item with label 1."""
        return self.counts[:, self.counts.shape[1] // 2 :] if self.explicit else self.counts
