"""Events that the experiment was fitted on, given again as later ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from userip_lightning.data.prepared import PreparedFiles
from userip_lightning.errors import InputError
from userip_lightning.refresh.event_log import LaterLog

_PAIR = ["user_id", "item_id"]


def refuse_own_log(prepared: Path, log: LaterLog, report: Callable[[str], None]) -> None:
    """Refuse a log that has most of the experiment's own events; tell where it has some of them.

    Events are compared by user and item, so an item that a user comes back to looks like a repeated event:
    some are told, and only a log with half of what the experiment was fitted on is refused.

    Args:
        prepared: folder of the prepared data; nothing is compared where it is gone.
        log: what is said to come later.
        report: is told how many pairs of user and item are in both.

    Raises:
        InputError: half or more of the experiment's pairs are in ``log``.
    """
    if not prepared.exists():
        return
    own = _pairs(PreparedFiles.open(prepared))
    known = log.events.select(_PAIR).unique().join(own, on=_PAIR, how="semi").height
    if 2 * known >= own.height:
        raise InputError(
            f"{log.source}: has {known:,} of the {own.height:,} pairs of user and item that the experiment "
            "was fitted on, and its events would count twice; give only the events that came after them."
        )
    if known:
        report(
            f"{log.source}: has {known:,} of the {own.height:,} pairs of user and item that the experiment "
            "was fitted on; where these are the same events, they count twice."
        )


def _pairs(data: PreparedFiles) -> pl.DataFrame:
    """Distinct ``user_id`` and ``item_id`` of the log, whatever their split."""
    pairs = data.events.filter(pl.col("logged")).select("user", "item").unique().collect()
    users, items = data.users.select("user", "user_id"), data.items.select("item", "item_id")
    return pairs.join(users, on="user").join(items, on="item").select(_PAIR)
