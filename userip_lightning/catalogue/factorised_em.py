"""A start of EM with a codebook for each of two profiles (``factorised_table.py``)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from userip_lightning.arrays import Floats
from userip_lightning.catalogue.em_search import CONCENTRATION, Usage
from userip_lightning.catalogue.factorised_events import FactorisedItemEvents
from userip_lightning.catalogue.factorised_table import FactorisedTable, PairSums
from userip_lightning.catalogue.unseen_items import UnseenItems


class FactorisedStart:
    """See ``em.Start``.

    Args:
        events: E.
        sizes: K_1, K_2.
        model: the M step.
    """

    def __init__(self, events: int, sizes: tuple[int, int], model: FactorisedItemEvents) -> None:
        self.model = model
        self.learned: FactorisedTable | None = None
        self._events = events
        self._sizes = sizes
        self._sums = self._nothing()

    @property
    def table(self) -> FactorisedTable:
        """After the first M step."""
        assert self.learned is not None
        return self.learned

    def draw(self, counts: csr_matrix, rng: np.random.Generator) -> None:
        """First E step of a block; the profiles are drawn apart."""
        one, two = (rng.dirichlet(np.full(size, CONCENTRATION), counts.shape[0]) for size in self._sizes)
        length = np.asarray(counts.sum(axis=1))
        active = length > 0
        drawn = PairSums(
            first=np.asarray(counts.T @ one),
            second=np.asarray(counts.T @ two),
            users=(active * one).T @ two,
            events=(length * one).T @ two,
            entropy=-sum(float((active * r * np.log(r + 1e-300)).sum()) for r in (one, two)),
        )
        self._sums = self._sums.plus(drawn)

    def observe(self, counts: csr_matrix, temperature: float) -> None:
        """E step of a block."""
        self._sums = self._sums.plus(self.table.expected(counts, temperature))

    def finish(self) -> Usage:
        """M step; the smallest code is that of either profile."""
        users = max(float(self._sums.users.sum()), 1.0)
        smallest = min(float(self._sums.users.sum(axis=axis).min()) for axis in (0, 1))
        usage = Usage(self._sums.entropy / users / np.log(max(self._sums.users.size, 2)), smallest / users)
        self.learned = self.model.table(self._sums, self.learned)
        self._sums = self._nothing()
        return usage

    def held_out(self, seen: csr_matrix, hidden: csr_matrix) -> float:
        """Nats per hidden event."""
        return self.table.held_out(seen, hidden)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """All that a further step needs."""
        first, second = (prior.weight for prior in self.model.priors)
        one, two = self.model.alone
        learned = {"first_weight": first, "second_weight": second, "first_alone": one, "second_alone": two}
        return {**self.table._asdict(), **learned}

    def load(self, state: dict[str, NDArray[np.generic]]) -> None:
        """Go on from :meth:`state`."""
        given = {name: value.astype(np.float64) for name, value in state.items()}
        self.learned = FactorisedTable(*(given[name] for name in FactorisedTable._fields))
        for prior, name in zip(self.model.priors, ("first_weight", "second_weight"), strict=True):
            prior.weight = given[name]
        self.model.alone = given["first_alone"], given["second_alone"]

    def unseen(self, vectors: Floats | None) -> UnseenItems:
        """What the table says of items without events; ``vectors`` [I, D] are those of the model's priors."""
        return self.model.unseen(vectors)

    def _nothing(self) -> PairSums:
        one, two = self._sizes
        pairs = np.zeros((one, two))
        return PairSums(np.zeros((self._events, one)), np.zeros((self._events, two)), pairs, pairs, 0.0)
