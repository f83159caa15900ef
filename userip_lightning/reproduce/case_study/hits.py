"""Are retrieved words better than chance: do they occur in what a user liked later?

    hit(u, v) = share of the words retrieved for u that occur in held-out titles that v liked
    score     = mean over users u of  hit(u, u) - mean over others v of hit(u, v)

Others are the twenty users with most nearly as many held-out words: who likes more titles has more words,
and words of a busy user would be found with them whatever they say of taste. For words that know nothing of
the user the score is zero on average. The shuffled score is that of words handed to another user, drawn
at random; it is zero on average too, whatever the words are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from userip_lightning.report.bootstrap import Interval
from userip_lightning.report.metrics import Floats
from userip_lightning.report.user_mean import user_mean

_OTHERS = 20


class Score(NamedTuple):
    """Of one source of words.

    Args:
        users: with words.
        own: share found in the user's own held-out titles.
        others: share found in those of others.
        score: own minus others, with a 95 % interval over users.
        shuffled: the score of words that were handed to another user.
    """

    users: int
    own: float
    others: float
    score: Interval
    shuffled: Interval

    @property
    def found(self) -> bool:
        """Whether the words are better than chance: the whole interval is above zero."""
        return self.score.low > 0


def score(
    retrieved: Sequence[Sequence[str]], held_out: Sequence[frozenset[str]], seed: int = 0
) -> Score | None:
    """Score one source.

    Args:
        retrieved: words of every user; those without words are left out.
        held_out: words of the held-out titles that every user liked.
        seed: of what is drawn.

    Returns:
        None where fewer than three users have words.
    """
    told = [user for user, words in enumerate(retrieved) if words]
    if len(told) < 3:
        return None
    later = [held_out[user] for user in told]
    hit = np.array([[len(set(retrieved[u]) & of) / len(set(retrieved[u])) for of in later] for u in told])
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(told))
    handed = np.empty(len(told), dtype=np.int64)
    handed[order] = np.roll(order, 1)  # nobody keeps their own
    rank = np.argsort(np.lexsort((rng.random(len(told)), [len(words) for words in later])))
    own, others = _against(hit, np.arange(len(told)), rank)
    strange, rest = _against(hit, handed, rank)
    return Score(
        len(told),
        float(own.mean()),
        float(others.mean()),
        user_mean(own - others, seed=seed),
        user_mean(strange - rest, seed=seed),
    )


def _against(hit: Floats, owner: NDArray[np.int64], rank: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """[U] hits in a user's own held-out titles and in those of others, with the words of ``owner``.

    The owner of the words is none of the others: they would be found there for a reason.
    """
    users = np.arange(len(hit))
    own, others = hit[owner, users], np.empty(len(hit))
    for user in users:
        near = np.argsort(np.abs(rank - rank[user]), kind="stable")
        near = near[(near != user) & (near != owner[user])][:_OTHERS]
        others[user] = hit[owner[user], near].mean()
    return own, others
