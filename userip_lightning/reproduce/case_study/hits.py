"""Are retrieved words better than chance: do they occur in what a user liked later?

Of two users u and v only those titles count that neither had met in training:

    hit(u; u, v) = share of the words retrieved for u in held-out titles that u liked and v had not met
    hit(u; v, u) = the same in held-out titles that v liked and u had not met
    score        = mean over u and their others v of  hit(u; u, v) - hit(u; v, u)

A title met in training does not come again, or is left out of a user's own where a log repeats: without
that restriction a user's words would be found with everybody but the user, or with the user alone. Others
are those of a group of twenty users or more with about as many held-out words: who likes more titles has
more words, and words of a busy user would be found with them whatever they say of taste. If v is one of the
others of u, then u is one of those of v, so what is the same for all users, such as popular words, cancels
to the last digit, and words that know nothing of the user score zero on average. The shuffled score is that
of words handed over by a user drawn at random; it is zero on average too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from userip_lightning.report.statistics.bootstrap import Interval
from userip_lightning.report.statistics.metrics import Floats
from userip_lightning.report.statistics.user_mean import user_mean

_GROUP = 20


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
        others: of every user, [V].
        own: [V, W] of every user, words of their held-out titles that the other had not met.
        theirs: [V, W] of every user, words of the other's held-out titles that the user had not met.
        strangers: [U] another user, drawn at random.
    """

    column: Mapping[str, int]
    others: list[NDArray[np.int64]]
    own: list[NDArray[np.bool_]]
    theirs: list[NDArray[np.bool_]]
    strangers: NDArray[np.int64]


def ground(
    held: csr_matrix,
    met: csr_matrix,
    has: csr_matrix,
    words: Sequence[str],
    among: Collection[str] | None = None,
    seed: int = 0,
) -> Ground:
    """Group users by how many held-out words they have.

    Args:
        held: [U, I] which titles they liked in held-out rows and had not met in training.
        met: [U, I] which they met in training.
        has: [I, W] which words a title has.
        words: W of them.
        among: those that can be retrieved; only they are kept, though all count for the groups. None: all.
        seed: of draws.
    """
    users = held.shape[0]
    rng = np.random.default_rng(seed)
    size = np.asarray(((held @ has) > 0).sum(axis=1)).ravel()
    kept = [place for place, word in enumerate(words) if among is None or word in among]
    words, has = [words[place] for place in kept], has[:, kept]
    order = np.lexsort([rng.random(users), size])
    others = [np.empty(0, dtype=np.int64)] * users
    own, theirs = [np.empty((0, 0), dtype=bool)] * users, [np.empty((0, 0), dtype=bool)] * users
    for group in np.array_split(order, max(1, users // _GROUP)):
        found = np.stack([_apart(held[[user]], met[group], has) for user in group])
        for place, user in enumerate(group):
            rest = np.arange(len(group)) != place
            others[user], own[user], theirs[user] = group[rest], found[place, rest], found[rest, place]
    strangers = (np.arange(users) + rng.integers(1, users, users)) % users
    return Ground({word: column for column, word in enumerate(words)}, others, own, theirs, strangers)


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
        kept = users.others[user] != owner  # words are found with their owner for a reason
        for side, found in enumerate((users.own, users.theirs)):
            hits[side, place] = found[user][kept][:, columns].sum(1).mean() / len(words)
    return hits[0], hits[1]


def _apart(held: csr_matrix, met: csr_matrix, has: csr_matrix) -> NDArray[np.bool_]:
    """[V, W] words of one user's held-out titles [1, I] that each of V users had not met."""
    titles = held.indices
    new = 1.0 - (met[:, titles].toarray() > 0)
    return np.asarray((csr_matrix(new) @ has[titles]).toarray() > 0)
