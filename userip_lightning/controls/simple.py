"""Control codes: what any gain of inferred codes must beat (docs/evidence.md).

A code is a function of the user id, which is a field already, so even codes without meaning can move a CTR
model. Every control gives int64 codes [U, P] in the order of the users table, and is made from TRAIN and
SUPPORT rows at most. ``kmeans.py`` and ``mixtures.py`` have more.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from userip_lightning.data.prepared import PreparedData
from userip_lightning.errors import InputError
from userip_lightning.schema import SUPPORT, TRAIN

Codes = NDArray[np.int64]

_PRIOR = 5.0  # a user's mean label is pulled to the global one as by this many rows


def shuffled(codes: Codes, seed: int) -> Codes:
    """The same rows [U, P], given to other users: usage and joint distribution stay, meaning goes."""
    return codes[np.random.default_rng(seed).permutation(codes.shape[0])]


def random_codes(sizes: Sequence[int], users: int, seed: int) -> Codes:
    """[U, P], every code of profile p equally likely among ``sizes[p]``."""
    return np.random.default_rng(seed).integers(0, np.asarray(sizes), size=(users, len(sizes)))


def generosity(prepared: PreparedData, size: int) -> Codes:
    """[U, 1]: quantile of the user's smoothed mean label, 0 the strictest; no row gives the global mean.

    Raises:
        InputError: all users have the same share of positives, as in implicit logs.
    """
    rows = prepared.rows(TRAIN, SUPPORT)
    label = rows["label"].cast(pl.Float64).to_numpy()
    user = rows["user"].to_numpy()
    positives = np.bincount(user, weights=label, minlength=prepared.n_users)
    events = np.bincount(user, minlength=prepared.n_users)
    smoothed = (positives + _PRIOR * label.mean()) / (events + _PRIOR)
    if np.ptp(smoothed) < 1e-9:
        raise InputError(
            f"{prepared.path}: every user has the same share of positives, so generosity is no control "
            "here; leave it out."
        )
    edges = np.quantile(smoothed, np.arange(1, size) / size)
    return np.asarray(np.searchsorted(edges, smoothed, side="right")[:, None], dtype=np.int64)
