"""Which events stay: duplicates go, then users are sampled, then the k-core; with the counts of every step.

The order matters: after events that a reader leaves out, duplicates come first (they would count towards k),
then users are sampled (so that the k-core holds for those who stay). Everything here works on integer codes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from userip_lightning.data.duplicates import find_duplicates
from userip_lightning.data.kcore import KCoreMode, k_core
from userip_lightning.data.stored_log import StoredLog
from userip_lightning.errors import InputError


@dataclass(frozen=True)
class Selection:
    """The arguments of the same names of :class:`userip_lightning.data.preparation.Preparation`."""

    k_core: int
    k_core_mode: KCoreMode
    max_users: int | None
    duplicates: Literal["refuse", "drop"]
    seed: int

    def apply(self, log: StoredLog) -> tuple[NDArray[np.int64], list[dict[str, object]]]:
        """Places of the events that stay, and the counts after every step.

        Raises:
            InputError: duplicates are refused; nothing stays.
        """
        places = np.arange(log.row_id.size)
        steps = [self._count("read", log, places)]
        if log.left_out.any():
            steps.append(self._count("with a row in every table", log, np.flatnonzero(~log.left_out)))
        places = self._without_duplicates(log)
        steps.append(self._count("without duplicates", log, places))
        if self.max_users is not None:
            places = places[np.isin(log.user[places], self._drawn_users(log.users.height))]
            steps.append(self._count(f"{self.max_users} users", log, places))
        places = places[k_core(log.user[places], log.item[places], self.k_core, self.k_core_mode)]
        steps.append(self._count(f"{self.k_core}-core, {self.k_core_mode}", log, places))
        if not places.size:
            raise InputError(
                f"{log.origin}: no user and item have {self.k_core} interactions each; lower k_core or give "
                "more data."
            )
        return places, steps

    def _count(self, step: str, log: StoredLog, places: NDArray[np.int64]) -> dict[str, object]:
        users, items = (int(np.unique(codes[places]).size) for codes in (log.user, log.item))
        return {"step": step, "interactions": int(places.size), "users": users, "items": items}

    def _without_duplicates(self, log: StoredLog) -> NDArray[np.int64]:
        again, first = find_duplicates(log)
        again, first = again[~log.left_out[again]], first[~log.left_out[again]]
        if again.size and self.duplicates == "refuse":
            user, item = int(log.user[again[0]]), int(log.item[again[0]])
            row, original = log.row_id[again[0]] + 1, log.row_id[first[0]] + 1
            raise InputError(
                f"{log.origin}: row {row} (user {log.users['user_id'][user]!r}, item "
                f"{log.items['item_id'][item]!r}) repeats row {original}, one of {again.size} duplicates, "
                "expected none; delete them, or set data.duplicates=drop to keep the first of each event and "
                "count the rest."
            )
        kept = ~log.left_out
        kept[again] = False
        return np.flatnonzero(kept)

    def _drawn_users(self, users: int) -> NDArray[np.int64]:
        assert self.max_users is not None
        if self.max_users < 1:
            raise InputError(f"max_users is {self.max_users}, expected 1 or more, or null for everyone.")
        return np.random.default_rng(self.seed).permutation(users)[: self.max_users]
