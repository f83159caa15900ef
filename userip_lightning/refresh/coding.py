"""Everybody's codes after a later log, and the bank's version that holds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from userip_lightning.arrays import read_array
from userip_lightning.bank import FeatureBank
from userip_lightning.serving import Profiler

#: Key of the manifest's ``extra``: what each file that was added to the fit's own log is known by.
LOGS = "refreshed_with"
#: Key of the manifest's ``extra``: what the settings of the fit are known by.
SETTINGS = "fitted_with"
_OWN = ("keys", "starts", "codes", "rows_seen", "states")


class Coding(NamedTuple):
    """U users, sorted by id.

    Args:
        user_ids: [U].
        states: [U, W] (``serving.Profiler``).
        codes: [U, P].
        active: ids of the users with new events.
        arrays: whatever else lies beside the codes, the table among it, by file name.
        extra: what the manifest says anew.
    """

    user_ids: NDArray[np.str_]
    states: NDArray[np.float64]
    codes: NDArray[np.int64]
    active: pl.Series
    arrays: Mapping[str, NDArray[np.generic]]
    extra: Mapping[str, object]

    def frame(self, names: tuple[str, ...]) -> pl.DataFrame:
        """``user_id`` and a column per profile."""
        columns = {name: self.codes[:, p] for p, name in enumerate(names)}
        return pl.DataFrame({"user_id": self.user_ids.tolist(), **columns})


def add_events(profiler: Profiler, events: pl.DataFrame) -> Coding:
    """Add a later log to the states of the bank's users: the E step, by the table as it is.

    Args:
        profiler: of the bank as it was.
        events: ``user_id``, ``item_id`` and ``label``; without rows, everybody stays as they are.

    Raises:
        InputError: the log shares no item with the table, or the bank has no states.
    """
    arrays = _beside_the_codes(profiler.bank)
    later = profiler.states(events)
    users = np.union1d(profiler.bank.users["user_id"].to_numpy().astype(np.str_), later.user_ids)
    states = profiler.stored(users)
    states[np.searchsorted(users, later.user_ids)] += later.states - profiler.start()
    active = pl.Series("user_id", later.user_ids[later.known > 0].tolist(), dtype=pl.String)
    return Coding(users, states, profiler.decode(states), active, arrays, {})


def write(
    root: Path, before: FeatureBank, coding: Coding, rows_seen: NDArray[np.int64], logs: Sequence[str]
) -> Path:
    """Write the bank's next version, and make it the current one.

    Args:
        root: the bank.
        before: the version that it follows; of another bank where ``root`` has none yet.
        coding: what it holds.
        rows_seen: ids of the rows that its table was learned from.
        logs: what the files that were added to the fit's own log are known by.

    Returns:
        The version's folder.

    Raises:
        InputError: the folder cannot be written, or another version became the current one meanwhile.
    """
    manifest = replace(
        before.manifest,
        users=coding.user_ids.size,
        extra={**before.manifest.extra, **coding.extra, LOGS: list(logs)},
        files={},
        rows_hash=None,
    )
    return FeatureBank.write(
        root,
        coding.user_ids,
        coding.codes,
        before.names,
        before.sizes,
        manifest,
        rows_seen,
        {**coding.arrays, "states": coding.states},
        after=before.path.name if before.path.parent == root else None,
    )


def _beside_the_codes(bank: FeatureBank) -> dict[str, NDArray[np.generic]]:
    """Arrays of a version that its codes do not decide, every byte checked."""
    bank.require_whole()
    return {file.stem: read_array(file) for file in bank.path.glob("*.npy") if file.stem not in _OWN}
