"""Two codebooks that share the work: what every event says for every code of either profile.

    p(i | j, k) = p(i) exp(a_ij + b_ik) / Z_jk           Z_jk = Σ_i p(i) exp(a_ij + b_ik)
    score_ujk = Σ_i n_ui (a_ij + b_ik) − n_u log Z_jk + log π_jk        n_u = Σ_i n_ui
    code(u) = argmax_jk score_ujk                        r_ujk ∝ exp(t · score_ujk)

A product of experts: the codes j and k of the two profiles each raise or lower an item's odds. A table of
E × (K_1 + K_2) figures takes the place of one of E × K_1 K_2, and an E step stays exact: for users of equal
n_u, Σ_k r_ujk and Σ_u r_ujk are products of matrices,

    r_ujk ∝ x_uj M_jk y_uk        x = exp(t n a), y = exp(t n b), M = exp(t (log π − n_u log Z)).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.special import logsumexp

from userip_lightning.arrays import Floats

_SAFE = 1e-200  # below, a user's products of exponentials have lost digits, and logarithms are summed instead
_CELLS = 2**22  # of users × K_1 × K_2 at once


class PairSums(NamedTuple):
    """What an E step adds up over users.

    Args:
        first: [E, K_1], expected counts of events by the first profile's code.
        second: [E, K_2], likewise.
        users: [K_1, K_2], expected users.
        events: [K_1, K_2], their expected events.
        entropy: of r, nats.
    """

    first: Floats
    second: Floats
    users: Floats
    events: Floats
    entropy: float

    def plus(self, other: PairSums) -> PairSums:
        """Of both."""
        return PairSums(
            self.first + other.first,
            self.second + other.second,
            self.users + other.users,
            self.events + other.events,
            self.entropy + other.entropy,
        )


class _Users(NamedTuple):
    """B users with n events each: their rows in the block and the three terms of their scores."""

    rows: NDArray[np.int64]
    events: float
    one: Floats  # [B, K_1]
    two: Floats  # [B, K_2]
    pair: Floats  # [K_1, K_2]


class _Posterior(NamedTuple):
    log_total: Floats  # [B], log Σ_jk exp(t · score)
    one: Floats  # [B, K_1], Σ_k r
    two: Floats  # [B, K_2], Σ_j r
    pair: Floats  # [K_1, K_2], Σ_u r


class FactorisedTable(NamedTuple):
    """E kinds of events, K_1 and K_2 codes.

    Args:
        first: [E, K_1], a in nats.
        second: [E, K_2], b in nats.
        log_normaliser: [K_1, K_2], log Z.
        log_share: [K_1, K_2], log π.
    """

    first: Floats
    second: Floats
    log_normaliser: Floats
    log_share: Floats

    def codes(self, counts: csr_matrix) -> NDArray[np.int64]:
        """Events of users [U, E] → [U, 2] codes; a user without events gets the most frequent ones."""
        found = np.zeros((counts.shape[0], 2), dtype=np.int64)
        for users in self._by_length(counts, 1.0):
            for part in _parts(users):
                best = _scores(part).reshape(len(part.rows), -1).argmax(axis=1)
                found[part.rows] = np.stack(np.unravel_index(best, part.pair.shape), axis=1)
        return found

    def states(self, counts: csr_matrix) -> Floats:
        """Events of users [U, E] → all that their codes depend on, [U, K_1 + K_2 + 1]: Σ a, Σ b and n."""
        sums = [counts @ part for part in (self.first, self.second)]
        return np.hstack([*map(np.asarray, sums), np.asarray(counts.sum(axis=1))])

    def expected(self, counts: csr_matrix, temperature: float = 1.0) -> PairSums:
        """The E step over users [U, E]; those without events do not count."""
        one, two = (np.zeros((counts.shape[0], size)) for size in self.log_share.shape)
        users, events, entropy = np.zeros(self.log_share.shape), np.zeros(self.log_share.shape), 0.0
        for group in self._by_length(counts, temperature):
            if group.events == 0:
                continue
            found = _posterior(group)
            one[group.rows], two[group.rows] = found.one, found.two
            users += found.pair
            events += group.events * found.pair
            said = (
                (found.one * group.one).sum()
                + (found.two * group.two).sum()
                + (found.pair * group.pair).sum()
            )
            entropy += float(found.log_total.sum() - said)
        return PairSums(np.asarray(counts.T @ one), np.asarray(counts.T @ two), users, events, entropy)

    def log_evidence(self, counts: csr_matrix) -> Floats:
        """[U]: log p(events of the user), over what events have without classes."""
        found = np.zeros(counts.shape[0])
        for users in self._by_length(counts, 1.0):
            found[users.rows] = _posterior(users).log_total
        return found

    def held_out(self, seen: csr_matrix, hidden: csr_matrix) -> float:
        """Nats per hidden event, over what events have without classes.

        Args:
            seen: [U, E] events that place the users.
            hidden: [U, E] events of the same users that are to be predicted.
        """
        some = np.diff(hidden.indptr) > 0
        seen, hidden = seen[some], hidden[some]
        gain = self.log_evidence((seen + hidden).tocsr()) - self.log_evidence(seen)
        return float(gain.sum() / max(hidden.sum(), 1.0))

    def _by_length(self, counts: csr_matrix, temperature: float) -> Iterator[_Users]:
        one, two = (temperature * np.asarray(counts @ part) for part in (self.first, self.second))
        length = np.asarray(counts.sum(axis=1)).ravel()
        for n in np.unique(length):
            rows = np.flatnonzero(length == n)
            pair = temperature * (self.log_share - n * self.log_normaliser)
            yield _Users(rows, float(n), one[rows], two[rows], pair)


def _posterior(users: _Users) -> _Posterior:
    """By three products of matrices; what a code has in all of its pairs goes to its own term first."""
    row = users.pair.max(axis=1)
    column = (users.pair - row[:, None]).max(axis=0)
    core = np.exp(users.pair - row[:, None] - column)
    one, two = users.one + row, users.two + column
    top = one.max(axis=1), two.max(axis=1)
    left, right = np.exp(one - top[0][:, None]), np.exp(two - top[1][:, None])
    mixed = right @ core.T
    total = (left * mixed).sum(axis=1)
    lost = total < _SAFE
    left[lost], total[lost] = 0.0, 1.0
    found = _Posterior(
        log_total=np.log(total) + top[0] + top[1],
        one=left * mixed / total[:, None],
        two=right * (left @ core) / total[:, None],
        pair=core * ((left / total[:, None]).T @ right),
    )
    if not lost.any():
        return found
    rest = _Users(np.flatnonzero(lost), users.events, users.one[lost], users.two[lost], users.pair)
    for part in _parts(rest):
        found = _with_logarithms(found, part)
    return found


def _with_logarithms(found: _Posterior, part: _Users) -> _Posterior:
    """``found`` with the users of ``part``, summed term by term."""
    score = _scores(part)
    total = logsumexp(score, axis=(1, 2))
    r = np.exp(score - total[:, None, None])
    found.log_total[part.rows] = total
    found.one[part.rows], found.two[part.rows] = r.sum(axis=2), r.sum(axis=1)
    return found._replace(pair=found.pair + r.sum(axis=0))


def _scores(users: _Users) -> Floats:
    """[B, K_1, K_2]."""
    return users.one[:, :, None] + users.two[:, None, :] + users.pair


def _parts(users: _Users) -> Iterator[_Users]:
    """So few users at a time that their scores fit into memory."""
    step = max(1, _CELLS // users.pair.size)
    for start in range(0, len(users.rows), step):
        part = slice(start, start + step)
        yield users._replace(rows=users.rows[part], one=users.one[part], two=users.two[part])
