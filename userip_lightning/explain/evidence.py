"""Why a user has their codes: what each of their events adds to the log-odds over the likeliest other codes.

log-odds = prior + Σ events        exactly (``exact_sums.py``); of additive codebooks scores, not log-odds
"""

from __future__ import annotations

import numpy as np

from userip_lightning.explain.event_log import Log
from userip_lightning.explain.explanation import Evidence, EvidenceEvent
from userip_lightning.explain.scores import scores
from userip_lightning.serving import Profiler


def evidence(profiler: Profiler, log: Log, user: int, most: int | None) -> Evidence | None:
    """Of one user; None where there is a single combination of codes.

    Args:
        profiler: the table.
        log: whose user it is.
        user: 0 .. U - 1.
        most: events that are listed, the strongest ones; all where None.
    """
    counts = log.counts[user]
    odds = scores(profiler, counts).ravel()
    if odds.size < 2:
        return None
    own = int(np.ravel_multi_index(tuple(log.codes[user]), profiler.sizes))
    other = int(np.argmax(np.where(np.arange(odds.size) == own, -np.inf, odds)))
    start = np.asarray(profiler.sums.scores(profiler.start())).ravel()
    events = counts.indices.astype(np.int64)
    nats = (profiler.sums.nats(events, own) - profiler.sums.nats(events, other)) * counts.data
    order = np.argsort(-np.abs(nats), kind="stable")
    listed, rest = np.split(order, [len(order) if most is None else most])
    return Evidence(
        against=[int(code) for code in np.unravel_index(other, profiler.sizes)],
        prior=float(start[own] - start[other]),
        rest=float(nats[rest].sum()),
        rest_events=int(counts.data[rest].sum()),
        total=float(odds[own] - odds[other]),
        events=[_event(log, int(events[at]), float(nats[at])) for at in listed],
    )


def _event(log: Log, event: int, nats: float) -> EvidenceEvent:
    item, label = event % log.n_items, event // log.n_items if log.explicit else None
    return EvidenceEvent(log.item_id(item), log.title(item), label, nats)
