"""How much of the attention that a sentence pays to soft tokens comes from its content words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from userip_lightning.report.statistics.bootstrap import Interval
from userip_lightning.report.statistics.metrics import Floats
from userip_lightning.report.statistics.user_mean import user_mean
from userip_lightning.reproduce.attention.reader import Read

#: What soft tokens a sentence is read with, in the order of ``Read.weight``.
RANDOM, START, TUNED, OTHER = "random start", "start at words", "tuned", "tuned, another user's"
CONDITIONS = (RANDOM, START, TUNED, OTHER)


class Share(NamedTuple):
    """Of one profile under one condition.

    Args:
        profile: its name.
        condition: one of :data:`CONDITIONS`.
        filler: attention of a word of the task text to the profile's soft tokens, mean over users.
        content: the same of a word of the item.
        share: of content words in the attention of all words, with a 95 % interval over users.
        gain: share after tuning less this share, paired by user; zero for tuned soft tokens.
        by_layer: [L] share in every layer by itself.
    """

    profile: str
    condition: str
    filler: float
    content: float
    share: Interval
    gain: Interval
    by_layer: list[float]


def shares(read: Sequence[Read], profiles: Sequence[str], layers: Sequence[int]) -> list[Share]:
    """Shares of all profiles and conditions.

    Args:
        read: a sentence of every user, with a content word and a filler word at least.
        profiles: names.
        layers: places of the layers whose mean attention counts.
    """
    every = np.stack([_shares(one, one.weight) for one in read])  # [U, C, L, P]
    chosen = np.stack([_shares(one, one.weight[:, layers].mean(1, keepdims=True))[:, 0] for one in read])
    filler, content = (
        np.stack([one.weight[:, layers][..., _content(one) == kind].mean((1, 3)) for one in read]).mean(0)
        for kind in (False, True)
    )
    tuned = CONDITIONS.index(TUNED)
    return [
        Share(
            name,
            condition,
            float(filler[c, p]),
            float(content[c, p]),
            user_mean(chosen[:, c, p]),
            user_mean(chosen[:, tuned, p] - chosen[:, c, p]),
            every[:, c, :, p].mean(0).tolist(),
        )
        for p, name in enumerate(profiles)
        for c, condition in enumerate(CONDITIONS)
    ]


def _shares(one: Read, weight: Floats) -> Floats:
    """[C, L, P] sums over content words as a share of sums over all words."""
    total: Floats = weight.sum(-1)
    return np.asarray(weight[..., _content(one)].sum(-1) / np.maximum(total, 1e-300))


def _content(one: Read) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.array([word.content for word in one.words], dtype=bool)
