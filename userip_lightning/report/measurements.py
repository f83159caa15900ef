"""Every method of a block measured where it was judged, and its counterparts restricted to just there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from userip_lightning.leak_audit import rows_hash
from userip_lightning.report.method_figures import Measured, measure
from userip_lightning.report.partial_methods import Judged, restrict
from userip_lightning.report.predictions import Predictions, Rows

#: User numbers of the positive and of the negative rows, for the clustered form of DeLong's test.
UsersByClass = tuple[NDArray[np.intp], NDArray[np.intp]]


class _Place(NamedTuple):
    """Where a method was judged: hashes of its rows, and of every seed's validation rows."""

    rows: str
    validations: tuple[str, ...]


class Measurements:
    """Figures of one block.

    Args:
        judged: method to its scores; methods that failed or were not run are absent.
        replicates: of the bootstrap.
    """

    def __init__(self, judged: Mapping[str, Judged], replicates: int) -> None:
        self._judged = judged
        self._replicates = replicates
        self._own = {name: self._measure(found.predictions) for name, found in judged.items()}
        self._place = {name: _place(found) for name, found in judged.items()}
        self._restricted: dict[tuple[str, _Place], Measured | None] = {}
        self._users: dict[str, UsersByClass] = {}

    def __contains__(self, method: str) -> bool:
        return method in self._judged

    def rows(self, method: str) -> Rows:
        """What the method was judged on."""
        return self._judged[method].rows

    def own(self, method: str) -> Measured:
        """The method on its own rows and seeds."""
        return self._own[method]

    def beside(self, method: str, other: str) -> Measured | None:
        """``other`` on the rows and first seeds of ``method``.

        Returns:
            None where ``other`` was not measured, or not on all of those rows with as many seeds.
        """
        if other not in self:
            return None
        place = self._place[method]
        if place == self._place[other]:
            return self._own[other]
        key = (other, place)
        if key not in self._restricted:
            found = restrict(self._judged[other], self._judged[method])
            self._restricted[key] = None if found is None else self._measure(found)
        return self._restricted[key]

    def users(self, method: str) -> UsersByClass:
        """Users of the rows that the method was judged on."""
        key = self._place[method].rows
        if key not in self._users:
            rows = self._judged[method].rows
            user = np.unique(rows.users, return_inverse=True)[1].reshape(-1)
            self._users[key] = user[rows.label == 1], user[rows.label == 0]
        return self._users[key]

    def _measure(self, predictions: Predictions) -> Measured:
        return measure(predictions, self._replicates, seed=0)


def _place(judged: Judged) -> _Place:
    validations = tuple(rows_hash(validation.row_id) for validation in judged.validations)
    return _Place(rows_hash(judged.rows.row_id), validations)
