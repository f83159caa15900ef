"""Are retrieved words better than chance: do they occur in what a user liked later?

Of two users u and v only those titles count that neither had met in training:

    hit(u; u, v) = share of the words retrieved for u in held-out titles that u liked and v had not met
    hit(u; v, u) = the same in held-out titles that v liked and u had not met
    score        = mean over u and their others v of  hit(u; u, v) - hit(u; v, u)

A title met in training is not met again, so without that restriction a user's own words would be found with
everybody but the user. Others are the twenty users with most nearly as many such words: who likes more titles
has more words, and words of a busy user would be found with them whatever they say of taste. Both conditions
are the same for u and v, so words that know nothing of the user score zero on average. The shuffled score is
that of words handed over by a user drawn at random; it is zero on average too, whatever the words are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

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
        shuffled: the score of words that were handed over by another user.
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


class Ground(NamedTuple):
    """What words of U users are looked for in; made by :func:`ground`.

    Args:
        column: word to its column.
        own: [U, V, W] words of the user's held-out titles that the other had not met.
        theirs: [U, V, W] words of the other's held-out titles that the user had not met.
        strangers: [U] a user who is none of the others.
    """

    column: Mapping[str, int]
    own: NDArray[np.bool_]
    theirs: NDArray[np.bool_]
    strangers: NDArray[np.int64]


def ground(held: csr_matrix, met: csr_matrix, has: csr_matrix, words: Sequence[str], seed: int = 0) -> Ground:
    """Pair users.

    Args:
        held: [U, I] which titles they liked in held-out rows.
        met: [U, I] which they met in training.
        has: [I, W] which words a title has.
        words: W of them.
        seed: of draws.
    """
    users = held.shape[0]
    rng = np.random.default_rng(seed)
    size = np.stack([_apart(held, met, has, user).sum(1) for user in range(users)])
    count = max(1, min(_OTHERS, (users - 1) // 2))
    distance = np.abs(size - size.T) + np.where(np.minimum(size, size.T) > 0, 0.0, np.inf)
    np.fill_diagonal(distance, np.inf)
    order = np.lexsort((rng.random(distance.shape), distance), axis=1)
    order = np.stack([row[row != user] for user, row in enumerate(order)])
    others, rest = order[:, :count], order[:, count:]
    own = np.zeros((users, count, len(words)), dtype=bool)
    theirs = np.zeros_like(own)
    for user in range(users):
        found = _apart(held, met, has, user)
        own[user] = found[others[user]]
        asking, place = np.nonzero(others == user)
        theirs[asking, place] = found[asking]
    strangers = np.array([rng.choice(row) for row in rest], dtype=np.int64)
    return Ground({word: column for column, word in enumerate(words)}, own, theirs, strangers)


def score(retrieved: Sequence[Sequence[str]], users: Ground, seed: int = 0) -> Score | None:
    """Score one source.

    Args:
        retrieved: words of every user; those without words are left out.
        users: whom they belong to.
        seed: of the bootstrap.

    Returns:
        None where fewer than three users have words.
    """
    told = [user for user, words in enumerate(retrieved) if words]
    if len(told) < 3:
        return None
    own, theirs = _hits(retrieved, told, told, users)
    handed = [user for user in told if retrieved[users.strangers[user]]]
    givers = [int(users.strangers[user]) for user in handed]
    mine, rest = _hits(retrieved, handed, givers, users)
    return Score(
        len(told),
        float(own.mean()),
        float(theirs.mean()),
        user_mean(own - theirs, seed=seed),
        user_mean(mine - rest, seed=seed),
    )


def _hits(
    retrieved: Sequence[Sequence[str]], told: Sequence[int], owners: Sequence[int], users: Ground
) -> tuple[Floats, Floats]:
    """[N] mean share in a user's own titles and in those of others, of the words of ``owners``."""
    hits = np.zeros((2, len(told)))
    for place, (user, owner) in enumerate(zip(told, owners, strict=True)):
        words = set(retrieved[owner])
        columns = [users.column[word] for word in sorted(words) if word in users.column]
        for side, found in enumerate((users.own, users.theirs)):
            hits[side, place] = found[user][:, columns].sum(1).mean() / len(words)
    return hits[0], hits[1]


def _apart(held: csr_matrix, met: csr_matrix, has: csr_matrix, user: int) -> NDArray[np.bool_]:
    """[V, W] words of the user's held-out titles that each of V had not met."""
    titles = held[[user]].indices
    new = 1.0 - (met[:, titles].toarray() > 0)
    return np.asarray((csr_matrix(new) @ has[titles]).toarray() > 0)
