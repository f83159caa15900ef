"""Events of users as a sparse matrix of counts, as EM reads them.

Where logged labels differ (explicit logs), an event is a label given the item, which knows how generously
a user rates as well as what they like; elsewhere (implicit logs) it is the item. Sampled negatives are no
events.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from userip_lightning.catalogue.labelled_rows import LabelledRows
from userip_lightning.data.prepared import PreparedData
from userip_lightning.schema import SUPPORT, TRAIN


class UserEvents(NamedTuple):
    """TRAIN and SUPPORT events.

    Args:
        counts: [U, I], or [U, 2 I] of an explicit log: column i is item i disliked, I + i the same item
            liked.
        explicit: whether events have labels.
        rows_seen: ids of the rows that were counted.
    """

    counts: csr_matrix
    explicit: bool
    rows_seen: NDArray[np.int64]

    def positives(self) -> csr_matrix:
        """[U, I]: how often a user had an item with label 1."""
        return self.counts[:, self.counts.shape[1] // 2 :] if self.explicit else self.counts


def user_events(prepared: PreparedData) -> UserEvents:
    """Count the events of all users; no row that is judged is among them."""
    rows = prepared.rows(TRAIN, SUPPORT).filter("logged")
    explicit = rows["label"].n_unique() > 1
    event = rows["item"].to_numpy().astype(np.int64)
    if explicit:
        event = event + prepared.n_items * rows["label"].cast(pl.Int64).to_numpy()
    cells = (np.ones(rows.height), (rows["user"].to_numpy(), event))
    shape = (prepared.n_users, prepared.n_items * (2 if explicit else 1))
    return UserEvents(csr_matrix(cells, shape=shape), explicit, rows["row_id"].to_numpy())


def labelled_rows(prepared: PreparedData, explicit: bool) -> LabelledRows:
    """TRAIN rows, sampled negatives among them, and which columns of :func:`user_events` they are."""
    rows = prepared.rows(TRAIN).sort("user", maintain_order=True)
    names = ("row_id", "user", "item", "label")
    row_id, user, item, label = (rows[name].to_numpy().astype(np.int64) for name in names)
    event = item + prepared.n_items * label if explicit else item
    return LabelledRows(row_id, user, item, label, np.where(rows["logged"].to_numpy(), event, -1))
