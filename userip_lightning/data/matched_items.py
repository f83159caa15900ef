"""The items of positives dealt out again as negatives: in every split, every item as often as before.

The items of a split are shuffled over its places, and a place whose user met its item, or holds it already,
swaps with another place of its split until all are right: a configuration model with repairs. A swap is made
where it sets one of its two places right and loses nothing, so that wrong places get fewer or wander. What
then stays wrong cannot be right: an item that most users met has not enough others left to go to.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

#: Swaps looked at in a round, at least.
_TRIES = 4096
#: Rounds that end the search where the wrong places have not got fewer by a hundredth.
_PATIENCE = 50
#: Cells per pair of user and item that is taken.
_CELLS = 16


def deal_items(
    user: Ints, item: Ints, group: Ints, met: Ints, n_items: int, rng: np.random.Generator
) -> tuple[Ints, NDArray[np.bool_]]:
    """Deal the items of every group out to its users anew.

    Args:
        user: [N] of every place.
        item: [N] that its group has to deal out.
        group: [N] of every place, from 0.
        met: [M] keys user · ``n_items`` + item of the pairs that are out of the question.
        n_items: I.
        rng: decides every draw.

    Returns:
        [N] items, and [N] whether a place may have its item: it is not in ``met``, and its user has no other
        such place with it.
    """
    order = np.argsort(group, kind="stable")
    item = item[_shuffled(group, rng)]
    length = np.bincount(group)
    start, length = (np.cumsum(length) - length)[group], length[group]
    taken = _Taken(user, met, n_items, rng)
    right = taken.claim(user, item)
    fewest, since = user.size, 0
    while since < _PATIENCE and not right.all():
        wrong = np.flatnonzero(~right)
        fewest, since = (wrong.size, 0) if wrong.size < 0.99 * fewest else (fewest, since + 1)
        one = np.resize(rng.permutation(wrong), max(wrong.size, _TRIES))
        two = order[start[one] + rng.integers(0, length[one])]
        one, two = _good_swaps(one, two, user, item, right, taken)
        taken.release(user[two], item[two])
        item[one], item[two] = item[two], item[one]
        both = np.concatenate([one, two])
        right[both] = taken.claim(user[both], item[both])
    return item, right


def _shuffled(group: Ints, rng: np.random.Generator) -> Ints:
    """A permutation of places that leaves every place in its group."""
    shuffled = np.empty_like(group)
    shuffled[np.argsort(group, kind="stable")] = np.lexsort((rng.random(group.size), group))
    return shuffled


def _good_swaps(
    one: Ints, two: Ints, user: Ints, item: Ints, right: NDArray[np.bool_], taken: _Taken
) -> tuple[Ints, Ints]:
    """Swaps of a wrong place with a right one that leave at least one right; no place is in two of them."""
    partner = right[two]
    one, two = one[partner], two[partner]
    mended, kept = taken.free(user[one], item[two]), taken.free(user[two], item[one])
    best = np.argsort(~(mended & kept), kind="stable")
    best = best[(mended | kept)[best]]
    one, two = one[best], two[best]
    first = _first(one) & _first(two)
    return one[first], two[first]


def _first(values: Ints) -> NDArray[np.bool_]:
    """Whether a value is seen for the first time."""
    first = np.zeros(values.size, dtype=bool)
    first[np.unique(values, return_index=True)[1]] = True
    return first


class _Taken:
    """The pairs of user and item that are taken, as a table of flags.

    Where all pairs together are too many for a table, pairs share cells, and a pair whose cell another one
    holds counts as taken: a few swaps are passed over, and none is made that should not be.
    """

    def __init__(self, user: Ints, met: Ints, n_items: int, rng: np.random.Generator) -> None:
        users = int(user.max()) + 1
        cells = min(users * n_items, _CELLS * (user.size + met.size))
        whole = cells == users * n_items
        self.row = np.arange(users) * n_items if whole else rng.integers(0, cells, users)
        self.flags = np.zeros(cells, dtype=bool)
        self.flags[self._cell(met // n_items, met % n_items)] = True

    def _cell(self, user: Ints, item: Ints) -> Ints:
        cell: Ints = (self.row[user] + item) % self.flags.size
        return cell

    def free(self, user: Ints, item: Ints) -> NDArray[np.bool_]:
        """Whether nobody holds these pairs."""
        return np.logical_not(self.flags[self._cell(user, item)])

    def claim(self, user: Ints, item: Ints) -> NDArray[np.bool_]:
        """Take the pairs that are free, the first of those alike; whether each was got."""
        cell = self._cell(user, item)
        got = _first(cell) & ~self.flags[cell]
        self.flags[cell[got]] = True
        return got

    def release(self, user: Ints, item: Ints) -> None:
        """Give back pairs that were got."""
        self.flags[self._cell(user, item)] = False
