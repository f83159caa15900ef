"""The table with a codebook of places among classes for every profile (``catalogue/additive_table.py``).

State [C]: Σ_e n_ue l_ec + log π_c. Score of a combination of codes: state · its direction.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from userip_lightning.arrays import read_array
from userip_lightning.serving.joint_sums import JointSums
from userip_lightning.serving.sums import Figures, Floats, Ints

_CELLS = 2**20  # of users × combinations at once


class AdditiveSums:
    """See :class:`~userip_lightning.serving.sums.Sums`.

    Args:
        classes: the table of the C classes.
        directions: [Π K_p, C], of length 1.
    """

    def __init__(self, classes: JointSums, directions: Figures | Floats) -> None:
        self.classes = classes
        self.directions = directions.astype(np.float64)
        self.events, self.width = classes.events, classes.width
        self.combinations = len(directions)

    @staticmethod
    def load(folder: Path) -> AdditiveSums:
        """The table of a bank's version, memory-mapped.

        Raises:
            InputError: a file is missing or damaged.
        """
        classes = JointSums.load(folder)
        return AdditiveSums(classes, read_array(folder / "directions.npy", "f", (None, classes.width)))

    def extended(self, rows: Floats) -> AdditiveSums:
        """[L, N, C]."""
        return AdditiveSums(self.classes.extended(rows), self.directions)

    def start(self) -> Floats:
        """[C]."""
        return self.classes.start()

    def add(self, state: Floats, event: int, times: int) -> None:
        """In place."""
        self.classes.add(state, event, times)

    def states(self, events: Ints, offset: Ints) -> Floats:
        """[U, C]."""
        return self.classes.states(events, offset)

    def best(self, states: Floats) -> Ints:
        """[U], so many users at a time that their scores fit into memory."""
        found = np.empty(len(states), dtype=np.int64)
        step = max(1, _CELLS // self.combinations)
        for first in range(0, len(states), step):
            part = slice(first, first + step)
            found[part] = self.score_rows(states[part]).argmax(axis=1)
        return found

    def scores(self, state: Floats) -> Floats:
        """[Π K_p]."""
        return np.asarray(self.directions @ state)

    def score_rows(self, states: Floats) -> Floats:
        """[U, Π K_p]."""
        return np.asarray(states @ self.directions.T)

    def nats(self, events: Ints, combination: int) -> Floats:
        """[N]."""
        return np.asarray(self.classes.evidence[events] @ self.directions[combination], dtype=np.float64)
