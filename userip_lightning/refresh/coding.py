"""Everybody's codes after a later log, and the bank's version that holds them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from userip_lightning.artifact import Manifest
from userip_lightning.bank import FeatureBank
from userip_lightning.serving import Profiler

#: Key of the manifest's ``extra``: what each log that was added to the fit's own is known by, in order.
LOGS = "refreshed_with"
_OWN = ("keys", "starts", "codes", "rows_seen", "states")


class Coding(NamedTuple):
    """U users, sorted by id.

    Args:
        user_ids: [U].
        states: [U, W] (``serving.Profiler``).
        codes: [U, P].
        active: ids of the users with new events.
        known: how many new events have a row in the table.
    """

    user_ids: NDArray[np.str_]
    states: NDArray[np.float64]
    codes: NDArray[np.int64]
    active: pl.Series
    known: int

    def frame(self, names: tuple[str, ...]) -> pl.DataFrame:
        """``user_id`` and a column per profile."""
        columns = {name: self.codes[:, p] for p, name in enumerate(names)}
        return pl.DataFrame({"user_id": self.user_ids.tolist(), **columns})


def add_events(profiler: Profiler, events: pl.DataFrame) -> Coding:
    """Add a later log to the states of the bank's users: the E step, by the table as it is.

    Args:
        profiler: of the bank as it was.
        events: ``user_id``, ``item_id`` and ``label``.

    Raises:
        InputError: the log shares no item with the table, or the bank has no states.
    """
    later = profiler.states(events)
    users = np.union1d(profiler.bank.users["user_id"].to_numpy().astype(np.str_), later.user_ids)
    states = profiler.stored(users)
    states[np.searchsorted(users, later.user_ids)] += later.states - profiler.start()
    active = pl.Series("user_id", later.user_ids[later.known > 0].tolist(), dtype=pl.String)
    return Coding(users, states, profiler.decode(states), active, int(later.known.sum()))


def unchanged(profiler: Profiler) -> Coding:
    """The bank's users as they are.

    Raises:
        InputError: the bank has no states.
    """
    users = profiler.bank.users["user_id"].to_numpy().astype(np.str_)
    nobody = pl.Series("user_id", [], dtype=pl.String)
    return Coding(users, profiler.stored(users), profiler.bank.lookup(users), nobody, 0)


def write(
    root: Path,
    before: FeatureBank,
    coding: Coding,
    log: str | None,
    arrays: Mapping[str, NDArray[Any]] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Path:
    """Write the bank's next version, and make it the current one.

    Args:
        root: the bank.
        before: the version that it follows.
        coding: what it holds.
        log: what the later log is known by; None for a copy.
        arrays: the table, and whatever else lies beside the codes; as ``before`` has it where None.
        extra: what its manifest says anew.

    Returns:
        The version's folder.

    Raises:
        InputError: the folder cannot be written, or another process is writing it.
    """
    made_by = before.manifest
    logs = {} if log is None else {LOGS: [*made_by.extra.get(LOGS, []), log]}
    manifest = Manifest(
        kind="bank",
        config_hash=made_by.config_hash,
        data_hash=made_by.data_hash,
        users=coding.user_ids.size,
        lm=made_by.lm,
        prompt_hash=made_by.prompt_hash,
        extra={**made_by.extra, **(extra or {}), **logs},
    )
    kept = _beside_the_codes(before) if arrays is None else arrays
    return FeatureBank.write(
        root,
        coding.user_ids,
        coding.codes,
        before.names,
        before.sizes,
        manifest,
        np.load(before.path / "rows_seen.npy"),
        {**kept, "states": coding.states},
    )


def _beside_the_codes(bank: FeatureBank) -> dict[str, NDArray[Any]]:
    """Arrays of a version that its codes do not decide."""
    return {file.stem: np.load(file) for file in bank.path.glob("*.npy") if file.stem not in _OWN}
