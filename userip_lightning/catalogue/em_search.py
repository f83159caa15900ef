"""Annealed EM over blocks of users, from several starts (docs/codes.md).

    E step    r_uc ∝ exp(t · score_uc), its sums added up block by block
    M step    sums → table

``joint_em.py`` has the two steps of a mixture. A start draws r first; then t rises from 0.4 to 1. Part of the
events is hidden from all starts. When the race is over, the start whose table predicts them best goes on
alone, with all events. A block is forgotten once it is added up, so the sums do not grow with the number of
users.

Where no user has two kinds of events, nothing is hidden and there is no race: the first start goes on alone.
The events that are seen could not judge the starts. Of one event a mixture says how often it occurs, and any
classes say that equally well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix

from userip_lightning.seeds import place_generator

if TYPE_CHECKING:
    from userip_lightning.catalogue.joint_em import JointStart

_COLDEST, _HIDDEN = 0.4, 0.1

#: Of the Dirichlet that starts draw r from.
CONCENTRATION = 0.3


class Block(NamedTuple):
    """Events of B users in a row, [B, E] each; ``seen`` and ``hidden`` together are all of them."""

    first: int
    seen: csr_matrix
    hidden: csr_matrix


class Schedule(NamedTuple):
    """Steps: t reaches 1 after ``warm``, the race is over after ``race``, and ``last`` are taken in all."""

    warm: int = 15
    race: int = 25
    last: int = 35


class Usage(NamedTuple):
    """How an E step used the codes.

    Args:
        entropy: of r, mean over users, over log C: 0 if all are sure, 1 if none is.
        smallest: share of the smallest class.
    """

    entropy: float
    smallest: float


class Figures(NamedTuple):
    """What an E step saw; ``entropy`` and ``smallest`` as in :class:`Usage`, of the best start.

    Args:
        held_out: nats per hidden event over what events have without classes, of the best start; NaN in the
            first step, once the race is over, and where nothing is hidden.
    """

    held_out: float
    entropy: float
    smallest: float


class Search:
    """EM from several starts.

    Args:
        starts: at least one.
        seed: of the starts.
        schedule: how many steps of which kind.
    """

    def __init__(
        self,
        starts: Sequence[JointStart],
        seed: int,
        schedule: Schedule = Schedule(),  # noqa: B008  # a NamedTuple, immutable
    ) -> None:
        self.starts = list(starts)
        self.numbers = list(range(len(self.starts)))
        self.seed = seed
        self.schedule = schedule
        self.step = 0
        self._forget()

    @property
    def best(self) -> JointStart:
        """The best start so far."""
        return self.starts[0]

    def observe(self, block: Block) -> None:
        """E step of a block."""
        racing = len(self.starts) > 1
        counts = block.seen if racing or not block.hidden.nnz else (block.seen + block.hidden).tocsr()
        temperature = min(1.0, _COLDEST + (1 - _COLDEST) * self.step / self.schedule.warm)
        self._hidden += float(block.hidden.sum())
        for at, start in enumerate(self.starts):
            if self.step == 0:
                key = (1, self.numbers[at], block.first)
                start.draw(counts, place_generator(self.seed, *key))
                continue
            start.observe(counts, temperature)
            if racing:
                self._gain[at] += start.held_out(counts, block.hidden) * float(block.hidden.sum())

    def finish(self) -> Figures:
        """M step of every start; ends the race when it is time, or when there is nothing to judge it by."""
        racing = len(self.starts) > 1 and self._hidden > 0
        judged = racing and self.step > 0
        held_out = max(self._gain) / self._hidden if judged else float("nan")
        if judged:
            order = sorted(range(len(self.starts)), key=lambda at: -self._gain[at])
            self.starts = [self.starts[at] for at in order]
            self.numbers = [self.numbers[at] for at in order]
        self.step += 1
        if not racing or self.step >= self.schedule.race:
            self.starts, self.numbers = self.starts[:1], self.numbers[:1]
        usage = [start.finish() for start in self.starts]
        self._forget()
        return Figures(held_out, *usage[0])

    def state(self) -> dict[str, NDArray[np.generic]]:
        """All that a further step needs, between two steps."""
        found: dict[str, NDArray[np.generic]] = {
            "step": np.array(self.step),
            "numbers": np.array(self.numbers),
        }
        for at, start in enumerate(self.starts):
            found |= {f"{at}.{name}": value for name, value in start.state().items()}
        return found

    def load(self, state: dict[str, NDArray[np.generic]]) -> None:
        """Go on from :meth:`state`."""
        self.step = int(state["step"])
        self.numbers = [int(number) for number in state["numbers"]]
        self.starts = self.starts[: len(self.numbers)]
        for at, start in enumerate(self.starts):
            own = f"{at}."
            start.load(
                {name.removeprefix(own): value for name, value in state.items() if name.startswith(own)}
            )
        self._forget()

    def _forget(self) -> None:
        self._hidden = 0.0
        self._gain = [0.0] * len(self.starts)


def run(search: Search, counts: csr_matrix) -> JointStart:
    """All steps over a log that fits into memory, and the start that won.

    Args:
        search: at its beginning.
        counts: [U, E], how often each user had each event; TRAIN and SUPPORT rows alone.
    """
    block = Block(0, *hide(counts, search.seed))
    for _ in range(search.schedule.last):
        search.observe(block)
        search.finish()
    return search.best


def hide(counts: csr_matrix, seed: int) -> tuple[csr_matrix, csr_matrix]:
    """Events [U, E] that the starts see, and a tenth that they do not; who has one kind shows it."""
    cells: coo_matrix = counts.tocoo()
    several = np.diff(counts.indptr)[cells.row] > 1
    rng = place_generator(seed, 0)
    away = several & (rng.random(cells.nnz) < _HIDDEN)
    seen, hidden = (
        coo_matrix((cells.data[part], (cells.row[part], cells.col[part])), shape=counts.shape).tocsr()
        for part in (~away, away)
    )
    return seen, hidden
