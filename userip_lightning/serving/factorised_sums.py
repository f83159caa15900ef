"""The table with a codebook for each of two profiles (``catalogue/factorised_table.py``).

State [K_1 + K_2 + 1]: Σ_e n_ue a_ej, Σ_e n_ue b_ek, n_u. Score of the codes j and k:
Σ a + Σ b − n log Z_jk + log π_jk.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from userip_lightning.arrays import open_array, read_array
from userip_lightning.serving.sums import Figures, Floats, Ints, added_up

_CELLS = 2**20  # of users × K_1 × K_2 at once


class FactorisedSums:
    """See :class:`~userip_lightning.serving.sums.Sums`.

    Args:
        first: [E, K_1], a in nats.
        second: [E, K_2], b in nats.
        log_normaliser: [K_1, K_2], log Z.
        log_share: [K_1, K_2], log π.
    """

    def __init__(
        self,
        first: Figures,
        second: Figures,
        log_normaliser: Figures | Floats,
        log_share: Figures | Floats,
    ) -> None:
        self.first, self.second = first, second
        self.log_normaliser, self.log_share = (
            part.astype(np.float64) for part in (log_normaliser, log_share)
        )
        self.events, self.split = first.shape
        self.combinations = self.log_share.size
        self.width = first.shape[1] + second.shape[1] + 1

    @staticmethod
    def load(folder: Path) -> FactorisedSums:
        """The table of a bank's version, memory-mapped.

        Raises:
            InputError: a file is missing or damaged.
        """
        first = open_array(folder / "first.npy", "f", (None, None))
        second = open_array(folder / "second.npy", "f", (len(first), None))
        shape = first.shape[1], second.shape[1]
        pairs = (read_array(folder / f"{name}.npy", "f", shape) for name in ("log_normaliser", "log_share"))
        return FactorisedSums(first, second, *pairs)

    def extended(self, rows: Floats) -> FactorisedSums:
        """[1, N, K_1 + K_2]."""
        one, two = np.split(rows[0].astype(np.float32), [self.split], axis=1)
        first, second = np.concatenate([self.first, one]), np.concatenate([self.second, two])
        return FactorisedSums(first, second, self.log_normaliser, self.log_share)

    def start(self) -> Floats:
        """[W]."""
        return np.zeros(self.width)

    def add(self, state: Floats, event: int, times: int) -> None:
        """In place."""
        state[: self.split] += times * self.first[event]
        state[self.split : -1] += times * self.second[event]
        state[-1] += times

    def states(self, events: Ints, offset: Ints) -> Floats:
        """[U, W]."""
        one, two = (added_up(part, events, offset) for part in (self.first, self.second))
        return np.hstack([one, two, np.diff(offset)[:, None]])

    def best(self, states: Floats) -> Ints:
        """[U], j K_2 + k; users of one length at a time, who share the pairs' terms."""
        found = np.empty(len(states), dtype=np.int64)
        length = states[:, -1]
        step = max(1, _CELLS // self.log_share.size)
        for n in np.unique(length):
            users, pairs = np.flatnonzero(length == n), self._pairs(n)
            for first in range(0, len(users), step):
                some = users[first : first + step]
                one, two = states[some, : self.split], states[some, self.split : -1]
                scores = one[:, :, None] + two[:, None, :] + pairs
                found[some] = scores.reshape(len(some), -1).argmax(axis=1)
        return found

    def scores(self, state: Floats) -> Floats:
        """[K_1, K_2]."""
        one, two = state[: self.split, None], state[self.split : -1]
        return np.asarray(one + two + self._pairs(state[-1]))

    def score_rows(self, states: Floats) -> Floats:
        """[U, K_1 K_2]."""
        one, two, events = states[:, : self.split], states[:, self.split : -1], states[:, -1]
        pairs = self.log_share - events[:, None, None] * self.log_normaliser
        return np.asarray(one[:, :, None] + two[:, None, :] + pairs).reshape(len(states), -1)

    def nats(self, events: Ints, combination: int) -> Floats:
        """[N]."""
        j, k = np.unravel_index(combination, self.log_share.shape)
        both = self.first[events, j].astype(np.float64) + self.second[events, k]
        return np.asarray(both - self.log_normaliser[j, k])

    def _pairs(self, events: float) -> Floats:
        """[K_1, K_2], of users with so many events."""
        return np.asarray(self.log_share - events * self.log_normaliser)
