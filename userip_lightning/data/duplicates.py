"""Events that repeat another one, found without loading a log's text."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from userip_lightning.data.stored_log import StoredLog

# No column of a log has such a name.
_PLACE, _PAIR = "__place", "__pair"


class Duplicates(NamedTuple):
    """Events that agree with an earlier one in everything but their review.

    Args:
        again: [D] places of those events in the log, growing.
        first: [D] places of what each of them repeats.
    """

    again: NDArray[np.int64]
    first: NDArray[np.int64]


def find_duplicates(log: StoredLog) -> Duplicates:
    """Two reviews of one event at one time are still one event.

    Only events whose user and item meet more than once are compared in their other columns.
    """
    pair = pl.Series(log.user.astype(np.int64) * log.items.height + log.item)
    places = np.flatnonzero(pair.is_duplicated().to_numpy())
    if not places.size:
        return Duplicates(places, places)
    others = [name for name in log.columns if name not in ("row_id", "user_id", "item_id", "review")]
    suspects = log.gather(places, others).with_columns(
        pl.Series(_PLACE, places), pair.gather(places).alias(_PAIR)
    )
    first = suspects.select(pl.col(_PLACE).first().over([_PAIR, *others])).to_series().to_numpy()
    again = first != places
    return Duplicates(places[again], first[again])
