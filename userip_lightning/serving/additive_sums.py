"""The table with a codebook of places among classes for every profile (``catalogue/additive_table.py``).

State [C]: Σ_e n_ue l_ec + log π_c. Score of a combination of codes: state · its direction.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from userip_lightning.arrays import Floats, read_array
from userip_lightning.serving.joint_sums import Figures, Ints, JointSums

_CELLS = 2**20  # of users × combinations at once


class AdditiveSums(JointSums):
    """States are those of the classes; scores are along directions.

    Args:
        classes: the table of the C classes.
        directions: [Π K_p, C], of length 1.
    """

    def __init__(self, classes: JointSums, directions: Figures | Floats) -> None:
        super().__init__(classes.evidence, classes.log_share)
        self.directions = directions.astype(np.float64)
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
        """With the rows [L, N, C] of N new items behind the known ones, of every one of L labels."""
        return AdditiveSums(super().extended(rows), self.directions)

    def best(self, states: Floats) -> Ints:
        """[U], so many users at a time that their scores fit into memory."""
        found = np.empty(len(states), dtype=np.int64)
        step = max(1, _CELLS // self.combinations)
        for first in range(0, len(states), step):
            part = slice(first, first + step)
            found[part] = self.score_rows(states[part]).argmax(axis=1)
        return found

    def scores(self, state: Floats) -> Floats:
        """A state [C] → scores of combinations [Π K_p], which are no log-odds."""
        return np.asarray(self.directions @ state)

    def score_rows(self, states: Floats) -> Floats:
        """States [U, C] → [U, Π K_p] scores in the order of combinations; all have to fit into memory."""
        return np.asarray(states @ self.directions.T)

    def nats(self, events: Ints, combination: int) -> Floats:
        """What each event [N] adds to a combination's score, [N]."""
        return np.asarray(self.evidence[events] @ self.directions[combination], dtype=np.float64)
