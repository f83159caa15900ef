"""Log-odds of all combinations of codes by the table that made them, as many at a time as fit into memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix
from scipy.special import logsumexp

from userip_lightning.explain.source import Floats, Ints
from userip_lightning.serving import Profiler
from userip_lightning.serving.user_groups import UserGroups

_AT_ONCE = 2**21  # figures, 16 MiB
_IN_ALL = 2**28  # figures that are gone through


def at_once(profiler: Profiler) -> int:
    """Users, or events, that are scored together."""
    return _AT_ONCE // _width(profiler) + 1


def evenly(profiler: Profiler, those: Ints) -> Ints:
    """As many of those users or events as can be scored in time, evenly spaced: 22 million × 12 codes."""
    most = _IN_ALL // _width(profiler) + 1
    if len(those) <= most:
        return those
    return those[np.linspace(0, len(those) - 1, most).astype(np.int64)]


def blocks(profiler: Profiler, counts: csr_matrix) -> Iterator[slice]:
    """Consecutive users of [U, E] that are scored together."""
    groups = UserGroups(pl.Series(np.arange(counts.shape[0])), counts.indices, counts.indptr)
    return groups.chunks(at_once(profiler))


def scores(profiler: Profiler, counts: csr_matrix) -> Floats:
    """Events of users [B, E] → log-odds of their codes up to a constant, [B, K_1, .., K_P]."""
    events = np.repeat(counts.indices.astype(np.int64), counts.data.astype(np.int64))
    return _scores(profiler, events, np.asarray(counts.sum(axis=1)).ravel())


def of_events(profiler: Profiler, events: Ints) -> Floats:
    """What each event [N] says of codes, l in nats, [N, K_1, .., K_P]."""
    start = _scores(profiler, events[:0], np.zeros(1))
    return np.asarray(_scores(profiler, events, np.ones(len(events))) - start)


def normalised(score: Floats) -> Floats:
    """Scores [B, K_1, .., K_P] → log posterior probabilities."""
    return np.asarray(score - logsumexp(score, axis=tuple(range(1, score.ndim)), keepdims=True))


def prior(profiler: Profiler) -> Floats:
    """log π, [K_1, .., K_P]."""
    return np.asarray(normalised(_scores(profiler, np.empty(0, dtype=np.int64), np.zeros(1)))[0])


def _scores(profiler: Profiler, events: Ints, length: Floats) -> Floats:
    """Of users with so many events each."""
    offset = np.concatenate([[0], np.cumsum(length)]).astype(np.int64)
    rows = profiler.sums.score_rows(profiler.sums.states(events, offset))
    return rows.reshape(len(rows), *profiler.sizes)


def _width(profiler: Profiler) -> int:
    return max(profiler.sums.combinations, profiler.sums.width)
