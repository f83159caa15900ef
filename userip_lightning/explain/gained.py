"""What codes tell of events that nobody has learned from, each predicted by itself.

    codes       log Σ_c r_uc p(e|c) − log Σ_c π_c p(e|c)    r: posterior after the events codes were made from
    without p   log Σ_c r_u(c_−p) π(c_p | c_−p) p(e|c)      profile p's code is not known, the others' are

Nats per hidden event. What a profile gains is the first sum with r less the second.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import logsumexp

from userip_lightning.explain.scores import at_once, evenly, normalised, of_events, prior, scores
from userip_lightning.explain.source import Floats, Ints
from userip_lightning.serving import Profiler


class Gained(NamedTuple):
    """Nats per hidden event.

    Args:
        codes: over a user of whom nothing is known.
        profiles: [P], what is lost where that profile's code is not known.
    """

    codes: float
    profiles: list[float]


def gained(profiler: Profiler, counts: csr_matrix, hidden: csr_matrix) -> Gained | None:
    """Over the hidden events of users who have others; None where there are none.

    Args:
        profiler: the table.
        counts: [U, E] events that codes were made from.
        hidden: [U, E] events of the same users that nothing was learned from.
    """
    known = np.flatnonzero(np.diff(counts.indptr) > 0)
    cells = hidden[known].tocoo()
    if not cells.nnz:
        return None
    chosen = evenly(profiler, np.arange(cells.nnz))
    user, event, times = known[cells.row[chosen]], cells.col[chosen].astype(np.int64), cells.data[chosen]
    total, step = np.zeros(1 + len(profiler.sizes)), at_once(profiler)
    for first in range(0, len(chosen), step):
        part = slice(first, first + step)
        total += times[part] @ _gains(profiler, counts, user[part], event[part])
    total /= times.sum()
    return Gained(float(total[0]), total[1:].tolist())


def _gains(profiler: Profiler, counts: csr_matrix, user: Ints, event: Ints) -> Floats:
    """[N, 1 + P] of events by themselves."""
    distinct, place = np.unique(user, return_inverse=True)
    placed = normalised(scores(profiler, counts[distinct]))[place]
    share, told = prior(profiler), of_events(profiler, event)
    axes = tuple(range(1, placed.ndim))
    known = logsumexp(placed + told, axis=axes)
    gains = [known - logsumexp(share + told, axis=axes)]
    for axis in axes:
        unknown = share - logsumexp(share, axis=axis - 1, keepdims=True)
        others = logsumexp(placed, axis=axis, keepdims=True)
        gains.append(known - logsumexp(others + unknown + told, axis=axes))
    return np.stack(gains, axis=1)
