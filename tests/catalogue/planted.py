"""Users of known classes, whose events come from class-wise item frequencies."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

CLASSES, ITEMS = 4, 80


class Log(NamedTuple):
    """Events [U, ITEMS] of users with classes [U]; item i belongs to class i % CLASSES."""

    counts: csr_matrix
    truth: NDArray[np.int64]


def planted(users: int = 400, events: int = 12, own: float = 0.85, seed: int = 0) -> Log:
    rng = np.random.default_rng(seed)
    truth = rng.integers(CLASSES, size=users)
    user = np.repeat(np.arange(users), events)
    home = rng.integers(ITEMS // CLASSES, size=user.size) * CLASSES + truth[user]
    item = np.where(rng.random(user.size) < own, home, rng.integers(ITEMS, size=user.size))
    return Log(csr_matrix((np.ones(user.size), (user, item)), shape=(users, ITEMS)), truth)
