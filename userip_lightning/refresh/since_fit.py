"""All events since the fit, divided into those that a bank has and those that are new to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from userip_lightning.bank import FeatureBank
from userip_lightning.errors import InputError
from userip_lightning.refresh.coding import LOGS
from userip_lightning.refresh.event_log import LaterLog

#: Place of an event's file, by name.
_PLACE = pl.col("log").to_physical()

#: Makes the complaint that files were changed, from what is wrong with them.
Refusal = Callable[[str], InputError]


class SinceFit(NamedTuple):
    """``user_id``, ``item_id``, ``label`` and ``log`` of events since the fit.

    Args:
        before: those of files that the bank has, of its users: whoever it lacks was forgotten.
        new: the others.
        files: how many there are.
        refusal: what to raise where ``before`` is not what the bank has.
    """

    before: pl.DataFrame
    new: pl.DataFrame
    files: int
    refusal: Refusal

    @property
    def events(self) -> pl.DataFrame:
        """All of them."""
        return pl.concat([self.before, self.new])

    def last(self, first: int, users: NDArray[np.str_]) -> pl.DataFrame:
        """What some users did in files that the bank has, from the one at place ``first`` on."""
        return self.before.filter(_PLACE.ge(first), pl.col("user_id").is_in(pl.Series(users).implode()))

    def counted(self, back: pl.DataFrame) -> pl.DataFrame:
        """All events but those from before a user was forgotten.

        Args:
            back: ``user_id`` of those who were and came back, and ``first``, the place of the first file
                that the bank has of them.
        """
        before = self.before.join(back, on="user_id", how="left", maintain_order="left")
        kept = before.filter(pl.col("first").is_null() | _PLACE.ge(pl.col("first"))).drop("first")
        return pl.concat([kept, self.new])


def since_fit(served: FeatureBank, log: LaterLog, events: pl.DataFrame) -> SinceFit:
    """Divide events by whether the bank has their file, and leave out users who were forgotten.

    A file is known by its events, so one from which rows of forgotten users were deleted is not found again.
    As many files as are missing are taken for these, the first ones by name. They may have no user whom the
    bank lacks, and the caller compares what users did in all files with their states.

    Args:
        served: the bank.
        log: the files.
        events: of ``log``, those that count.

    Raises:
        InputError: a file that is taken for a missing one has a user whom the bank lacks.
    """
    logs: list[str] = served.manifest.extra.get(LOGS, [])
    others = [key for key in log.files if key not in logs]
    missing = len(set(logs) - set(log.files))
    changed, new = others[:missing], others[missing:]

    def refusal(wrong: str) -> InputError:
        lost = (
            f"has {missing} logs that are not among these files, and "
            if missing
            else "does not go with them: "
        )
        return InputError(
            f"{log.source}: version {served.path.name} {lost}{wrong}; --codebooks rematch takes all events "
            "since the fit, in the same files. Only rows of forgotten users may be deleted from them, and "
            "then all of these; newer files come last by name."
        )

    is_new = pl.col("log").is_in(new)
    is_served = pl.col("user_id").is_in(served.users["user_id"].implode())
    strangers = events.filter(pl.col("log").is_in(changed) & ~is_served)
    if strangers.height:
        file = log.files[strangers["log"][0]]
        raise refusal(
            f"{file}, which would be one of them, has {strangers['user_id'].n_unique():,} users whom the "
            "version lacks"
        )
    return SinceFit(events.filter(~is_new & is_served), events.filter(is_new), len(log.files), refusal)
