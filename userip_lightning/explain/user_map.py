"""Users in a plane: principal components of the scores of their codes.

A user's coordinates before the projection are, for every profile, the mean score of each of its codes less
the mean of all, over the square root of the user's number of events: chance alone puts everybody equally far
out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from userip_lightning.explain.event_log import Log
from userip_lightning.explain.explanation import UserMap
from userip_lightning.explain.scores import blocks, scores
from userip_lightning.explain.source import Floats, Ints
from userip_lightning.serving import Profiler

_HOW = (
    "The first two principal components of the {} of each user's codes, per root of the number of "
    "their events. Users near each other have similar ones; distances along the axes carry no unit."
)


def user_map(profiler: Profiler, log: Log, users: Ints) -> UserMap | None:
    """Of these users, in their order; None where they do not differ.

    Args:
        profiler: the table.
        log: whose users they are.
        users: [n].
    """
    if len(users) < 2:
        return None
    place = _centred_odds(profiler, log, users)
    place -= place.mean(axis=0)
    left, size, axes = np.linalg.svd(place, full_matrices=False)
    if len(size) < 2 or size[0] < 1e-9:
        return None
    strongest = axes[np.arange(2), np.abs(axes[:2]).argmax(axis=1)]
    x, y = (left[:, :2] * size[:2] * np.sign(strongest)).T.round(4)
    explained = (size[:2] ** 2 / (size**2).sum()).round(6)
    how = _HOW.format("scores" if profiler.additive else "log-odds")
    return UserMap(how, explained.tolist(), x.tolist(), y.tolist(), list(range(len(users))))


def code_places(found: UserMap | None, codes: Ints, size: int) -> Sequence[list[float] | None]:
    """[K] where the codes of a profile are: the mean of their users; None where nobody is shown.

    Args:
        found: the map.
        codes: [n] of its users.
        size: K.
    """
    if found is None:
        return [None] * size
    points = np.stack([found.x, found.y], axis=1)
    groups = (points[codes == code] for code in range(size))
    return [group.mean(axis=0).round(4).tolist() if len(group) else None for group in groups]


def _centred_odds(profiler: Profiler, log: Log, users: Ints) -> Floats:
    """[n, Σ K_p]."""
    counts, sizes = log.counts[users], profiler.sizes
    found = np.empty((len(users), sum(sizes)))
    for some in blocks(profiler, counts):
        score = scores(profiler, counts[some])
        parts = []
        for p in range(len(sizes)):
            of_code = score.mean(axis=tuple(1 + q for q in range(len(sizes)) if q != p))
            parts.append(of_code - of_code.mean(axis=1, keepdims=True))
        events = np.maximum(np.asarray(counts[some].sum(axis=1)), 1.0)
        found[some] = np.hstack(parts) / np.sqrt(events)
    return found
