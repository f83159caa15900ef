"""What the two forms of a table have in common: events add up to a state, and a state has a code.

Sums are exact (``catalogue/module.py``): it does not matter in what order or in how many steps they are made.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Figures = NDArray[np.float32]


class Sums(Protocol):
    """A table of E kinds of events, whose states have W figures; combinations of codes are numbered."""

    @property
    def width(self) -> int:
        """W."""

    @property
    def events(self) -> int:
        """E."""

    @property
    def combinations(self) -> int:
        """Π K_p."""

    def extended(self, rows: Floats) -> Sums:
        """With the rows [L, N, C] of N new items behind the known ones, of every one of L labels."""

    def start(self) -> Floats:
        """[W]: the state of a user without events."""

    def add(self, state: Floats, event: int, times: int) -> None:
        """Put an event into a state [W], in place; -1 times takes it back."""

    def states(self, events: Ints, offset: Ints) -> Floats:
        """States [U, W] of users with the events ``events[offset[u]:offset[u + 1]]`` each."""

    def best(self, states: Floats) -> Ints:
        """States [U, W] → [U], the likeliest combination; the first one of equals."""

    def scores(self, state: Floats) -> Floats:
        """A state [W] → scores of combinations [Π K_p], log-odds up to a constant if codebooks are joint."""

    def score_rows(self, states: Floats) -> Floats:
        """States [U, W] → [U, Π K_p] scores in the order of combinations; all have to fit into memory."""

    def nats(self, events: Ints, combination: int) -> Floats:
        """What each event [N] adds to a combination's score, [N]."""


def added_up(table: Figures, events: Ints, offset: Ints) -> Floats:
    """Rows of a table [E, W], added up by user → [U, W]."""
    found = np.zeros((len(offset) - 1, table.shape[1]))
    some = np.diff(offset) > 0
    if some.any():
        found[some] = np.add.reduceat(table.take(events, axis=0), offset[:-1][some], axis=0, dtype=np.float64)
    return found
