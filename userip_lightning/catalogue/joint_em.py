"""A start of EM with one class for every combination of codes (``joint_table.py``, ``event_model.py``).

r is drawn from Dirichlet(0.3) first, or mixed into an opening (``generosity_start.py``).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from userip_lightning.arrays import Floats
from userip_lightning.catalogue.e_step import posterior
from userip_lightning.catalogue.em_search import CONCENTRATION, Search, Usage, run
from userip_lightning.catalogue.event_model import EventModel
from userip_lightning.catalogue.joint_table import CodeTable
from userip_lightning.catalogue.unseen_items import UnseenItems

_CHANCE = 0.3  # share of r that is drawn where users have an opening

#: Events of users [B, E] to the class that each starts in, [B].
Opening = Callable[[csr_matrix], NDArray[np.int64]]


class JointStart:
    """One start: its M step, its table once there is one, and the sums of the E step that is going on.

    Args:
        events: E.
        classes: C.
        model: the M step.
        opening: where users start; at random where None.
    """

    def __init__(self, events: int, classes: int, model: EventModel, opening: Opening | None = None) -> None:
        self.model = model
        self.opening = opening
        self.learned: CodeTable | None = None
        self._shape = events, classes
        self.anchored: Floats | None = None  # [I, C], see ``event_model.EventModel``
        self._reset()

    @property
    def table(self) -> CodeTable:
        """After the first M step."""
        assert self.learned is not None
        return self.learned

    def draw(self, counts: csr_matrix, rng: np.random.Generator) -> None:
        """First E step of a block [B, E]: r is drawn."""
        posterior = rng.dirichlet(np.full(self._shape[1], CONCENTRATION), counts.shape[0])
        if self.opening is not None:
            posterior *= _CHANCE
            posterior[np.arange(len(posterior)), self.opening(counts)] += 1 - _CHANCE
        self._add(counts, posterior)

    def observe(self, counts: csr_matrix, temperature: float) -> None:
        """E step of a block [B, E] by the table so far."""
        self._add(counts, posterior(self.table.scores(counts), temperature))

    def finish(self) -> Usage:
        """M step; the sums are forgotten."""
        users = max(float(self._users.sum()), 1.0)
        usage = Usage(
            self._entropy / users / np.log(max(self._shape[1], 2)), float(self._users.min() / users)
        )
        self.learned = self.model.table(self._expected, self._users, self.anchored)
        self._reset()
        return usage

    def reorder(self, order: NDArray[np.int64]) -> None:
        """Number classes anew, between two steps; ``order`` [C] are their numbers so far."""
        self.learned = CodeTable(self.table.evidence[:, order], self.table.log_share[order])
        weight, alone = self.model.prior.weight, self.model.alone
        self.model.prior.weight = weight[:, order] if weight.shape[1] == len(order) else weight
        self.model.alone = alone[order]

    def held_out(self, seen: csr_matrix, hidden: csr_matrix) -> float:
        """Nats per hidden event [B, E] of users who are placed by ``seen`` [B, E]."""
        return self.table.held_out(seen, hidden)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """All that a further step needs, between two steps."""
        return {**self.table._asdict(), "weight": self.model.prior.weight, "alone": self.model.alone}

    def load(self, state: dict[str, NDArray[np.generic]]) -> None:
        """Go on from :meth:`state`."""
        given = {name: value.astype(np.float64) for name, value in state.items()}
        self.learned = CodeTable(given["evidence"], given["log_share"])
        self.model.prior.weight, self.model.alone = given["weight"], given["alone"]

    def unseen(self, vectors: Floats | None) -> UnseenItems:
        """What the table says of items without events; ``vectors`` [I, D] are those of the model's prior."""
        return self.model.unseen(vectors, self.table.log_share)

    def _reset(self) -> None:
        self._expected: Floats = np.zeros(self._shape)
        self._users: Floats = np.zeros(self._shape[1])
        self._entropy = 0.0

    def _add(self, counts: csr_matrix, posterior: Floats) -> None:
        active = posterior[np.diff(counts.indptr) > 0]
        self._expected += np.asarray(counts.T @ posterior)
        self._users += active.sum(axis=0)
        self._entropy -= float((active * np.log(active + 1e-300)).sum())


def fit(
    counts: csr_matrix,
    classes: int,
    model: Callable[[], EventModel],
    seed: int,
    restarts: int = 3,
    opening: Opening | None = None,
) -> CodeTable:
    """Find the table of a log that fits into memory.

    Args:
        counts: [U, E], how often each user had each event; TRAIN and SUPPORT rows alone.
        classes: C.
        model: makes the M step of a start.
        seed: of starts and hidden events.
        restarts: how many starts.
        opening: where users start; at random where None.
    """
    starts = [JointStart(counts.shape[1], classes, model(), opening) for _ in range(restarts)]
    return run(Search(starts, seed), counts).table
