"""The table with a class for every combination of codes (``catalogue/joint_table.py``).

State [C]: Σ_e n_ue l_ec + log π_c, which is the score. Sums are exact (``catalogue/module.py``): it does not
matter in what order or in how many steps they are made.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from userip_lightning.arrays import Floats, open_array, read_array

Ints = NDArray[np.int64]
Figures = NDArray[np.float32]


class JointSums:
    """A table of E kinds of events, whose states have W = C figures; combinations of codes are numbered.

    Args:
        evidence: [E, C], l in nats.
        log_share: [C], log π.
    """

    def __init__(self, evidence: Figures, log_share: Figures | Floats) -> None:
        self.evidence = evidence
        self.log_share = log_share.astype(np.float64)
        self.events, self.width = int(evidence.shape[0]), int(evidence.shape[1])
        self.combinations = self.log_share.size

    @staticmethod
    def load(folder: Path) -> JointSums:
        """The table of a bank's version, memory-mapped.

        Raises:
            InputError: a file is missing or damaged.
        """
        evidence = open_array(folder / "evidence.npy", "f", (None, None))
        return JointSums(evidence, read_array(folder / "log_share.npy", "f", evidence.shape[1:]))

    def extended(self, rows: Floats) -> JointSums:
        """With the rows [L, N, C] of N new items behind the known ones, of every one of L labels."""
        labels, _, classes = rows.shape
        known = self.evidence.reshape(labels, -1, classes)
        evidence = np.concatenate([known, rows.astype(np.float32)], axis=1).reshape(-1, classes)
        return JointSums(evidence, self.log_share)

    def start(self) -> Floats:
        """[C]: the state of a user without events."""
        return self.log_share.copy()

    def add(self, state: Floats, event: int, times: int) -> None:
        """Put an event into a state [C], in place; -1 times takes it back."""
        state += times * self.evidence[event]

    def states(self, events: Ints, offset: Ints) -> Floats:
        """States [U, C] of users with the events ``events[offset[u]:offset[u + 1]]`` each."""
        return _added_up(self.evidence, events, offset) + self.log_share

    def best(self, states: Floats) -> Ints:
        """States [U, C] → [U], the likeliest combination; the first one of equals."""
        return np.asarray(states.argmax(axis=1), dtype=np.int64)

    def scores(self, state: Floats) -> Floats:
        """A state [C] → scores of combinations [Π K_p], log-odds up to a constant."""
        return state

    def score_rows(self, states: Floats) -> Floats:
        """States [U, C] → [U, Π K_p] scores in the order of combinations; all have to fit into memory."""
        return states

    def nats(self, events: Ints, combination: int) -> Floats:
        """What each event [N] adds to a combination's score, [N]."""
        return np.asarray(self.evidence[events, combination], dtype=np.float64)


def _added_up(table: Figures, events: Ints, offset: Ints) -> Floats:
    """Rows of a table [E, W], added up by user → [U, W]."""
    found = np.zeros((len(offset) - 1, table.shape[1]))
    some = np.diff(offset) > 0
    if some.any():
        found[some] = np.add.reduceat(table.take(events, axis=0), offset[:-1][some], axis=0, dtype=np.float64)
    return found
