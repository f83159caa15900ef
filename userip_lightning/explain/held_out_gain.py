"""What codes tell of events that nobody has learned from, each predicted by itself.

    codes       log Σ_c r_uc p(e|c) − log Σ_c π_c p(e|c)    r: posterior after the events codes were made from
    without p   log Σ_c r_u(c_−p) π(c_p | c_−p) p(e|c)      profile p's code is not known, the others' are

Nats per hidden event. What a profile gains is the first sum with r less the second.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import logsumexp

from userip_lightning.explain.scores import at_once, evenly, normalised, of_events, prior, scores
from userip_lightning.explain.source import Floats
from userip_lightning.serving import Profiler

#: The table, log posteriors of events' users and what the events say, both [N, K_1, .., K_P] → [N, F].
_Figures = Callable[[Profiler, Floats, Floats], Floats]


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
    mean = _mean(profiler, counts, hidden, _gains)
    return None if mean is None else Gained(float(mean[0]), mean[1:].tolist())


def held_out(profiler: Profiler, counts: csr_matrix, hidden: csr_matrix) -> float | None:
    """log Σ_c r_uc exp(l_ec), nats per hidden event, more is better; arguments and None as :func:`gained`."""
    mean = _mean(profiler, counts, hidden, lambda profiler, placed, told: _known(placed, told)[:, None])
    return None if mean is None else float(mean[0])


def _mean(profiler: Profiler, counts: csr_matrix, hidden: csr_matrix, figures: _Figures) -> Floats | None:
    """[F] over the hidden events of users who have others; None where there are none."""
    known = np.flatnonzero(np.diff(counts.indptr) > 0)
    cells = hidden[known].tocoo()
    if not cells.nnz:
        return None
    chosen = evenly(profiler, np.arange(cells.nnz))
    user, event, times = known[cells.row[chosen]], cells.col[chosen].astype(np.int64), cells.data[chosen]
    totals, step = [], at_once(profiler)
    for first in range(0, len(chosen), step):
        part = slice(first, first + step)
        distinct, place = np.unique(user[part], return_inverse=True)
        placed = normalised(scores(profiler, counts[distinct]))[place]
        totals.append(times[part] @ figures(profiler, placed, of_events(profiler, event[part])))
    return np.asarray(np.sum(totals, axis=0) / times.sum())


def _known(placed: Floats, told: Floats) -> Floats:
    """[N], the first sum, codes being known."""
    return np.asarray(logsumexp(placed + told, axis=tuple(range(1, placed.ndim))))


def _gains(profiler: Profiler, placed: Floats, told: Floats) -> Floats:
    """[N, 1 + P]."""
    share, known, axes = prior(profiler), _known(placed, told), tuple(range(1, placed.ndim))
    gains = [known - logsumexp(share + told, axis=axes)]
    for axis in axes:
        unknown = share - logsumexp(share, axis=axis - 1, keepdims=True)
        others = logsumexp(placed, axis=axis, keepdims=True)
        gains.append(known - logsumexp(others + unknown + told, axis=axes))
    return np.stack(gains, axis=1)
