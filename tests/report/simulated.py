"""What the tests of the report judge: simulated rows, and the methods of a small study."""

import numpy as np
from numpy.typing import NDArray

from userip_lightning.report.entries import Group

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


SEEDS = 5
#: Method to group, network, against, and the share of the truth that its scores see.
METHODS: dict[str, tuple[Group, str | None, str | None, float]] = {
    "biased MF": ("reference", None, None, 0.4),
    "DCN": ("network", "DCN", None, 0.2),
    "PNN": ("network", "PNN", None, 0.26),
    "UserIP-DCN": ("userip", "DCN", "DCN", 1.2),
    "UserIP-PNN": ("userip", "PNN", "PNN", 0.25),
    "DCN + shuffled": ("control", "DCN", "DCN", 0.2),
    "DCN + SVD": ("control", "DCN", "DCN", 0.45),
}
