"""Some users and what they did, with draws that are theirs alone.

Which behaviours a step shows is a function of seed, step, user id and item. So neither the worker, nor the
users around them, nor the order of their rows changes what a user's soft tokens learn from, and their
codes stay when others come and go.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from userip_lightning.bank.keys import mixed
from userip_lightning.profile.behaviours import Behaviours
from userip_lightning.profile.prompt_bodies import Drawn, Ints, Tokens


class People(NamedTuple):
    """U users, sorted by id."""

    ids: pl.Series  #             [U] strings
    keys: NDArray[np.uint64]  #   [U] hashes of the ids
    behaviours: Behaviours  #     of every user; none for one without an item that a prompt can show

    @staticmethod
    def of(events: pl.DataFrame, items: Tokens, grouped: bool) -> People:
        """From events.

        Args:
            events: ``user_id``, ``item`` (place in the catalogue, null where unknown), ``label`` and
                ``row_id``.
            items: token ids of every item.
            grouped: whether a prompt shows disliked items, too.
        """
        ids = events["user_id"].unique().sort()
        places = pl.DataFrame({"user_id": ids}).with_row_index("user")
        known = events.drop_nulls("item").join(places, on="user_id").with_columns(logged=pl.lit(True))
        digests = (hashlib.blake2b(user.encode(), digest_size=8).digest() for user in ids)
        keys = np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)
        return People(ids, keys, Behaviours.collect(known, items, len(ids), grouped))

    def draw(self, users: Ints, count: int, step: int, seed: int) -> Drawn:
        """At most ``count`` items of each of ``users`` for one step, in random order, by group."""
        place, owner = self.behaviours.of(users)
        item, group = (column[place].astype(np.int64) for column in self.behaviours[:2])
        fixed = mixed(mixed(np.array([seed], np.uint64)) ^ np.uint64(step))
        key = mixed(mixed(self.keys[users][owner] ^ fixed) ^ item.astype(np.uint64))
        order = np.lexsort((key, owner))
        rank = np.arange(len(order)) - np.searchsorted(owner, owner)
        chosen = order[rank < count]
        chosen = chosen[np.lexsort((group[chosen], owner[chosen]))]
        return Drawn(owner[chosen], group[chosen], item[chosen])
