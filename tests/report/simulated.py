"""Rows whose users differ, so that rows of one user are not independent."""

import numpy as np
from numpy.typing import NDArray

Rows = tuple[NDArray[np.str_], NDArray[np.int8], NDArray[np.float64], NDArray[np.float64]]


def simulate(rng: np.random.Generator, users: int, rows_each: int, signal: float, taste: float = 1.0) -> Rows:
    """Users differ in click rate, and each of two scores errs by ``taste`` in its own way on every user."""
    user = np.repeat(np.arange(users), rng.integers(1, 2 * rows_each, size=users))
    truth = rng.normal(size=users)[user] + rng.normal(size=user.size)
    label = (rng.random(user.size) < 1 / (1 + np.exp(-truth))).astype(np.int8)

    def score(strength: float) -> NDArray[np.float64]:
        bias = taste * rng.normal(size=users)[user]
        return 1 / (1 + np.exp(-(strength * truth + bias + rng.normal(size=user.size))))

    return user.astype(str), label, score(signal), score(1.0)
