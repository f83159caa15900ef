"""Annealed EM over blocks of users, from several starts (design, section 7).

    E step    r_uc ∝ exp(t · (Σ_e n_ue l_ec + log π_c)), added up to n_ec = Σ_u r_uc n_ue, block by block
    M step    n_ec → l, π    (``event_model.py``)

A start draws r from Dirichlet(0.3), or mixes it into an opening (``opening.py``); t rises from 0.4 to 1.
Part of the events is hidden from all starts. When the race is over, the start whose table predicts them
best goes on alone, with all events. A block is forgotten once it is added up, so the sums do not grow
with the number of users.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix

from userip_lightning.catalogue.code_table import CodeTable, Floats
from userip_lightning.catalogue.event_model import EventModel

_COLDEST, _CONCENTRATION, _HIDDEN = 0.4, 0.3, 0.1
_CHANCE = 0.3  # share of r that is drawn where users have an opening

#: Events of users [B, E] to the class that each starts in, [B].
Opening = Callable[[csr_matrix], NDArray[np.int64]]


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


class Figures(NamedTuple):
    """What an E step saw.

    Args:
        held_out: nats per hidden event over what events have without classes, of the best start; NaN in the
            first step, and once the race is over.
        entropy: of r, mean over users, over log C: 0 if all are sure, 1 if none is.
        smallest: share of the smallest class.
    """

    held_out: float
    entropy: float
    smallest: float


class Start:
    """One start: its M step, its table once there is one, and the sums of the E step that is going on."""

    def __init__(self, model: EventModel, events: int, classes: int) -> None:
        self.model = model
        self.table: CodeTable | None = None
        self.shape = events, classes
        self.reset()

    def reset(self) -> None:
        """Forget the sums."""
        self.expected: Floats = np.zeros(self.shape)
        self.users: Floats = np.zeros(self.shape[1])
        self.gain = self.entropy = 0.0


class Search:
    """EM from several starts.

    Args:
        events: E.
        classes: C.
        models: one M step per start.
        seed: of the starts.
        schedule: how many steps of which kind.
        opening: where users start; at random where None.
    """

    def __init__(
        self,
        events: int,
        classes: int,
        models: list[EventModel],
        seed: int,
        schedule: Schedule = Schedule(),  # noqa: B008  # a NamedTuple, immutable
        opening: Opening | None = None,
    ) -> None:
        self.starts = [Start(model, events, classes) for model in models]
        self.numbers = list(range(len(models)))
        self.seed = seed
        self.schedule = schedule
        self.opening = opening
        self.step = 0
        self._hidden = 0.0

    @property
    def table(self) -> CodeTable:
        """Of the best start so far; there is one after the first step."""
        table = self.starts[0].table
        assert table is not None
        return table

    def observe(self, block: Block) -> None:
        """E step of a block."""
        racing = len(self.starts) > 1
        counts = block.seen if racing or not block.hidden.nnz else (block.seen + block.hidden).tocsr()
        active = np.diff(counts.indptr) > 0
        self._hidden += float(block.hidden.sum())
        for number, start in zip(self.numbers, self.starts, strict=True):
            posterior = self._posterior(start, number, counts, block.first)
            start.expected += np.asarray(counts.T @ posterior)
            start.users += posterior[active].sum(axis=0)
            start.entropy -= float((posterior[active] * np.log(posterior[active] + 1e-300)).sum())
            if racing and start.table is not None:
                start.gain += start.table.held_out(counts, block.hidden) * float(block.hidden.sum())

    def finish(self) -> Figures:
        """M step of every start; ends the race when it is time."""
        racing = len(self.starts) > 1
        judged = racing and self.step > 0
        if judged:
            order = sorted(range(len(self.starts)), key=lambda at: -self.starts[at].gain)
            self.starts = [self.starts[at] for at in order]
            self.numbers = [self.numbers[at] for at in order]
        best = self.starts[0]
        users, classes = float(best.users.sum()), len(best.users)
        figures = Figures(
            held_out=best.gain / max(self._hidden, 1.0) if judged else float("nan"),
            entropy=best.entropy / max(users, 1.0) / np.log(max(classes, 2)),
            smallest=float(best.users.min() / max(users, 1.0)),
        )
        self.step += 1
        if racing and self.step >= self.schedule.race:
            self.starts, self.numbers = self.starts[:1], self.numbers[:1]
        for start in self.starts:
            start.table = start.model.table(start.expected, start.users)
            start.reset()
        self._hidden = 0.0
        return figures

    def state(self) -> dict[str, NDArray[np.generic]]:
        """All that a further step needs, between two steps."""
        tables = [start.table for start in self.starts if start.table is not None]
        return {
            "step": np.array(self.step),
            "numbers": np.array(self.numbers),
            "evidence": np.stack([table.evidence for table in tables]),
            "log_share": np.stack([table.log_share for table in tables]),
            "weight": np.stack([start.model.prior.weight for start in self.starts]),
        }

    def load(self, state: dict[str, NDArray[np.generic]]) -> None:
        """Go on from :meth:`state`."""
        self.step = int(state["step"])
        self.numbers = [int(number) for number in state["numbers"]]
        self.starts = self.starts[: len(self.numbers)]
        for at, start in enumerate(self.starts):
            start.table = CodeTable(
                state["evidence"][at].astype(np.float64), state["log_share"][at].astype(np.float64)
            )
            start.model.prior.weight = state["weight"][at].astype(np.float64)

    def _posterior(self, start: Start, number: int, counts: csr_matrix, first: int) -> Floats:
        if start.table is None:
            rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(1, number, first)))
            posterior = rng.dirichlet(np.full(start.shape[1], _CONCENTRATION), counts.shape[0])
            if self.opening is not None:
                posterior *= _CHANCE
                posterior[np.arange(len(posterior)), self.opening(counts)] += 1 - _CHANCE
            return posterior
        temperature = min(1.0, _COLDEST + (1 - _COLDEST) * self.step / self.schedule.warm)
        return start.table.posterior(counts, temperature)


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
    models = [model() for _ in range(restarts)]
    search = Search(counts.shape[1], classes, models, seed, opening=opening)
    block = Block(0, *hide(counts, seed))
    for _ in range(search.schedule.last):
        search.observe(block)
        search.finish()
    return search.table


def hide(counts: csr_matrix, seed: int) -> tuple[csr_matrix, csr_matrix]:
    """Events [U, E] that the starts see, and a tenth that they do not; one kind of event is always seen."""
    cells: coo_matrix = counts.tocoo()
    several = np.diff(counts.indptr)[cells.row] > 1
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
    away = several & (rng.random(cells.nnz) < _HIDDEN)
    seen, hidden = (
        coo_matrix((cells.data[part], (cells.row[part], cells.col[part])), shape=counts.shape).tocsr()
        for part in (~away, away)
    )
    return seen, hidden
