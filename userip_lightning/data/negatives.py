"""Negatives for implicit logs, drawn for all users at once.

Matched ones are the items of the split's positives, dealt out again by ``matched_items``. Uniform ones, and
the places that may not have the item dealt to them, come from rejection sampling on keys user · I + item:
draw for all open places, keep what is new, repeat. The few places that stay open (users who met almost
everything popular) are filled from the user's unmet items.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from userip_lightning.data.matched_items import deal_items
from userip_lightning.errors import InputError
from userip_lightning.schema import SPLITS

_ROUNDS = 20


def sample_negatives(
    events: pl.DataFrame, users: pl.Series, items: int, per_positive: int, matched: bool, seed: int
) -> pl.DataFrame:
    """``per_positive`` events on unmet items for every event.

    A negative takes ``user``, ``split`` and ``timestamp`` from its positive and has no other column. No user
    gets an item that they met in any split, nor one item twice, so no negative of training comes back in
    test. Row ids follow the last one.

    Args:
        events: the positives, in order of ``row_id``, with ``user``, ``item`` and ``split``.
        users: ``user_id`` of every ``user``, for messages.
        items: number of items.
        per_positive: negatives for each event.
        matched: take every item as often as it occurs in the same split, as far as enough users are left
            who never met it; otherwise draw every item alike.
        seed: decides every draw.

    Raises:
        InputError: a user met too many items to have enough negatives.
    """
    user = np.repeat(events["user"].to_numpy().astype(np.int64), per_positive)
    taken = np.unique(events["user"].to_numpy().astype(np.int64) * items + events["item"].to_numpy())
    _require_room(users, user, taken, items)
    rng = np.random.default_rng(seed)
    if matched:
        item = _matched(user, events, per_positive, taken, items, rng)
    else:
        item = _draw(user, taken, items, None, rng)
    copied = events.select("user", "timestamp", "split")
    copied = copied[np.repeat(np.arange(events.height), per_positive)]
    first = int(events["row_id"].max()) + 1  # type: ignore[arg-type]  # polars types it as any literal
    return copied.with_columns(
        row_id=pl.Series(np.arange(first, first + user.size), dtype=pl.Int64),
        item=pl.Series(item, dtype=events.schema["item"]),
    )


def _require_room(users: pl.Series, user: NDArray[np.int64], taken: NDArray[np.int64], n_items: int) -> None:
    met = np.bincount(taken // n_items)
    short = np.flatnonzero(met + np.bincount(user) > n_items)
    if short.size:
        raise InputError(
            f"Implicit: user_id {users[int(short[0])]!r} met {met[short[0]]} of {n_items} items, too many "
            "for the negatives that are asked for; lower negatives or raise k_core."
        )


def _matched(
    user: NDArray[np.int64],
    events: pl.DataFrame,
    per_positive: int,
    taken: NDArray[np.int64],
    n_items: int,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """The positives' items dealt out again; a place that may not have its own draws one of its split."""
    split = events["split"].cast(pl.Enum(SPLITS)).to_physical().to_numpy().astype(np.int64)
    own = events["item"].to_numpy().astype(np.int64)
    group = np.repeat(split, per_positive)
    item, right = deal_items(user, np.repeat(own, per_positive), group, taken, n_items, rng)
    taken = _merge(taken, np.sort((user * n_items + item)[right]))
    left = ~right
    length = np.bincount(split, minlength=len(SPLITS))
    start = np.cumsum(length) - length
    pool = own[np.argsort(split, kind="stable")], start[group[left]], length[group[left]]
    item[left] = _draw(user[left], taken, n_items, pool, rng)
    return item


def _draw(
    user: NDArray[np.int64],
    taken: NDArray[np.int64],
    n_items: int,
    pool: tuple[NDArray[np.int64], ...] | None,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """An item for every entry of ``user``; ``taken`` holds the sorted keys that are out of the question.

    ``pool``: items, and for every entry where those start that it draws from, and how many they are.
    """
    item = np.empty(user.size, dtype=np.int64)
    places = np.arange(user.size)
    for _ in range(_ROUNDS):
        if pool is None:
            drawn = rng.integers(0, n_items, places.size)
        else:
            items, start, length = pool
            drawn = items[start[places] + rng.integers(0, length[places])]
        key = user[places] * n_items + drawn
        new, first = np.unique(key, return_index=True)
        fresh = first[~_contains(taken, new)]
        item[places[fresh]] = drawn[fresh]
        taken = _merge(taken, np.sort(key[fresh]))
        places = np.delete(places, fresh)
        if not places.size:
            return item
    for place in places:
        base = user[place] * n_items
        met = taken[np.searchsorted(taken, base) : np.searchsorted(taken, base + n_items)] - base
        item[place] = rng.choice(np.setdiff1d(np.arange(n_items), met))
        taken = _merge(taken, np.array([base + item[place]]))
    return item


def _contains(ordered: NDArray[np.int64], keys: NDArray[np.int64]) -> NDArray[np.bool_]:
    at = np.minimum(np.searchsorted(ordered, keys), ordered.size - 1)
    return np.equal(ordered[at], keys)


def _merge(ordered: NDArray[np.int64], more: NDArray[np.int64]) -> NDArray[np.int64]:
    """Both sorted; the sum is sorted, without sorting ``ordered`` again."""
    return np.insert(ordered, np.searchsorted(ordered, more), more)
