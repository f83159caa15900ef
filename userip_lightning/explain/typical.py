"""Users who show what a code is like, and the sample of users that are shown one by one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from userip_lightning.explain.certainty import Certainty
from userip_lightning.explain.event_log import Log
from userip_lightning.explain.lifted_items import Lifted
from userip_lightning.explain.source import Ints


def surest_users(
    sure: Certainty, codes: Ints, profile: int, size: int, events: Ints, most: int
) -> list[Ints]:
    """Of every code its surest users; of equally sure ones those with the fewest events.

    Args:
        sure: how sure codes are.
        codes: [U, P].
        profile: whose codes.
        size: K of the profile.
        events: [U] of the users.
        most: users per code.
    """
    users = sure.users[events[sure.users] > 0]
    probability = sure.probability[events[sure.users] > 0, profile]
    order = np.lexsort((users, events[users], -probability.round(3)))
    own = codes[users[order], profile]
    return [users[order][own == code][:most] for code in range(size)]


def likest_users(log: Log, profile: int, items: Sequence[Lifted], most: int) -> list[Ints]:
    """Without a table: of every code the users who like most of its lifted items."""
    found = []
    for code, lifted in enumerate(items):
        users = np.flatnonzero(log.codes[:, profile] == code)
        likes = np.diff(log.liked[users][:, lifted.things].tocsr().indptr)
        found.append(users[np.argsort(-likes, kind="stable")[:most]])
    return found


def sample_of(users: int, first: Sequence[Ints], most: int, seed: int) -> Ints:
    """Users that are shown, in order.

    Args:
        users: U.
        first: who are taken before others are drawn.
        most: how many in all.
        seed: of the draw.
    """
    named = np.array(list(dict.fromkeys(int(user) for own in first for user in own)), dtype=np.int64)[:most]
    others = np.setdiff1d(np.arange(users), named)
    drawn = np.random.default_rng(seed).permutation(others)[: most - len(named)]
    return np.sort(np.concatenate([named, drawn]))
