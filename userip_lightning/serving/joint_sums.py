"""The table with a class for every combination of codes (``catalogue/joint_table.py``).

State [C]: Σ_e n_ue l_ec + log π_c, which is the score.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from userip_lightning.arrays import open_array, read_array
from userip_lightning.serving.sums import Figures, Floats, Ints, added_up


class JointSums:
    """See :class:`~userip_lightning.serving.sums.Sums`.

    Args:
        evidence: [E, C], l in nats.
        log_share: [C], log π.
    """

    def __init__(self, evidence: Figures, log_share: Figures | Floats) -> None:
        self.evidence = evidence
        self.log_share = log_share.astype(np.float64)
        self.events, self.width = evidence.shape
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
        """[L, N, C]."""
        labels, _, classes = rows.shape
        known = self.evidence.reshape(labels, -1, classes)
        evidence = np.concatenate([known, rows.astype(np.float32)], axis=1).reshape(-1, classes)
        return JointSums(evidence, self.log_share)

    def start(self) -> Floats:
        """[C]."""
        return self.log_share.copy()

    def add(self, state: Floats, event: int, times: int) -> None:
        """In place."""
        state += times * self.evidence[event]

    def states(self, events: Ints, offset: Ints) -> Floats:
        """[U, C]."""
        return added_up(self.evidence, events, offset) + self.log_share

    def best(self, states: Floats) -> Ints:
        """[U] classes."""
        return np.asarray(states.argmax(axis=1), dtype=np.int64)

    def scores(self, state: Floats) -> Floats:
        """[C]."""
        return state

    def score_rows(self, states: Floats) -> Floats:
        """[U, C]."""
        return states

    def nats(self, events: Ints, combination: int) -> Floats:
        """[N]."""
        return np.asarray(self.evidence[events, combination], dtype=np.float64)
