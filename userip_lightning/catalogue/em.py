"""Annealed EM with restarts (design, section 7).

A restart draws r from Dirichlet(0.3) and takes 25 steps, the E step's t rising from 0.4 to 1 over the first
15. A tenth of the events is hidden from all restarts; the one whose table predicts them best goes on.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix

from userip_lightning.catalogue.code_table import CodeTable, Floats
from userip_lightning.catalogue.event_model import EventModel

_STEPS, _WARM, _COLDEST = 25, 15, 0.4
_FINAL_STEPS, _HIDDEN, _CONCENTRATION = 10, 0.1, 0.3


def fit(
    counts: csr_matrix, classes: int, model: Callable[[], EventModel], seed: int, restarts: int = 3
) -> CodeTable:
    """Find the table of a log.

    Args:
        counts: [U, E], how often each user had each event; TRAIN and SUPPORT rows alone.
        classes: C.
        model: makes the M step of a restart.
        seed: of starts and hidden events.
        restarts: how many; one uses all events from the start.
    """
    if restarts == 1:
        return _restart(counts, classes, model(), np.random.default_rng((seed, 1)))[0]
    seen, hidden = _hide(counts, np.random.default_rng((seed, 0)))
    best: tuple[float, CodeTable, EventModel] | None = None
    for number in range(1, restarts + 1):
        table, chosen = _restart(seen, classes, model(), np.random.default_rng((seed, number)))
        value = table.held_out(seen, hidden)
        if best is None or value > best[0]:
            best = value, table, chosen
    assert best is not None
    _, table, chosen = best
    for _ in range(_FINAL_STEPS):
        table = chosen.table(counts, table.posterior(counts))
    return table


def _restart(
    counts: csr_matrix, classes: int, model: EventModel, rng: np.random.Generator
) -> tuple[CodeTable, EventModel]:
    posterior: Floats = rng.dirichlet(np.full(classes, _CONCENTRATION), counts.shape[0])
    table = model.table(counts, posterior)
    for step in range(1, _STEPS):
        temperature = min(1.0, _COLDEST + (1 - _COLDEST) * step / _WARM)
        table = model.table(counts, table.posterior(counts, temperature))
    return table, model


def _hide(counts: csr_matrix, rng: np.random.Generator) -> tuple[csr_matrix, csr_matrix]:
    """Events that are seen and events that are hidden; a user with one kind of event keeps it."""
    cells: coo_matrix = counts.tocoo()
    several = np.diff(counts.indptr)[cells.row] > 1
    hide = several & (rng.random(cells.nnz) < _HIDDEN)
    parts = (
        coo_matrix((cells.data[part], (cells.row[part], cells.col[part])), shape=counts.shape)
        for part in (~hide, hide)
    )
    seen, hidden = (part.tocsr() for part in parts)
    return seen, hidden
