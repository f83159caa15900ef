"""Negatives for implicit logs, drawn for a whole split at a time.

Rejection sampling on keys user · I + item: draw for all open places, keep what is new, repeat. The few
places that stay open (users who met almost everything) are filled from the user's unseen items.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from userip_lightning.errors import InputError

_ROUNDS = 20


def sample_negatives(
    events: pl.DataFrame, items: pl.Series, per_positive: int, matched: bool, seed: int
) -> pl.DataFrame:
    """``per_positive`` events on unmet items for every event.

    A negative takes ``user``, ``split`` and ``timestamp`` from its positive; ``rating`` and ``review`` are
    null. No user gets an item that he met in any split, nor one item twice, so no negative of training
    comes back in test. Row ids follow the last one.

    Args:
        events: the positives, in order of ``row_id``, with ``user``, ``item`` and ``split``.
        items: ``item_id`` of every dense ``item``.
        per_positive: negatives for each event.
        matched: draw an item as often as it occurs in the same split, otherwise every item alike.
        seed: decides every draw.

    Raises:
        InputError: a user met too many items to have enough negatives.
    """
    n_items = items.len()
    user = np.repeat(events["user"].to_numpy().astype(np.int64), per_positive)
    taken = np.unique(events["user"].to_numpy().astype(np.int64) * n_items + events["item"].to_numpy())
    _require_room(events, user, taken, n_items)
    rng = np.random.default_rng(seed)
    split = np.repeat(events["split"].to_numpy(), per_positive)
    item = np.full(user.size, -1, dtype=np.int64)
    for name in events["split"].unique().sort():
        open_places = np.flatnonzero(split == name)
        pool = events.filter(split=name)["item"].to_numpy() if matched else np.arange(n_items)
        taken = _fill(item, user, open_places, pool.astype(np.int64), taken, n_items, rng)
    copied = events.select("user_id", "timestamp", "split", "user")
    copied = copied[np.repeat(np.arange(events.height), per_positive)]
    first = int(events["row_id"].max()) + 1  # type: ignore[arg-type]
    return copied.with_columns(
        row_id=pl.Series(np.arange(first, first + user.size), dtype=pl.Int64),
        item_id=items.gather(item),
        item=pl.Series(item, dtype=events.schema["item"]),
    )


def _require_room(
    events: pl.DataFrame, user: NDArray[np.int64], taken: NDArray[np.int64], n_items: int
) -> None:
    met = np.bincount(taken // n_items)
    short = np.flatnonzero(met + np.bincount(user) > n_items)
    if short.size:
        name = events.filter(user=int(short[0]))["user_id"][0]
        raise InputError(
            f"Implicit: user_id {name!r} met {met[short[0]]} of {n_items} items, too many for the negatives "
            "that are asked for; lower negatives or raise k_core."
        )


def _fill(
    item: NDArray[np.int64],
    user: NDArray[np.int64],
    places: NDArray[np.int64],
    pool: NDArray[np.int64],
    taken: NDArray[np.int64],
    n_items: int,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Write items into ``item[places]``; returns ``taken``, sorted keys, with what was drawn."""
    for _ in range(_ROUNDS):
        if not places.size:
            return taken
        key = user[places] * n_items + rng.choice(pool, size=places.size)
        first = np.zeros(key.size, dtype=bool)
        first[np.unique(key, return_index=True)[1]] = True
        fresh = first & ~np.isin(key, taken)
        item[places[fresh]] = key[fresh] % n_items
        taken = np.union1d(taken, key[fresh])
        places = places[~fresh]
    for place in places:
        base = user[place] * n_items
        met = taken[np.searchsorted(taken, base) : np.searchsorted(taken, base + n_items)] - base
        item[place] = rng.choice(np.setdiff1d(np.arange(n_items), met))
        taken = np.union1d(taken, base + item[place])
    return taken
