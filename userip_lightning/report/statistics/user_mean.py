"""A mean over users with its 95 % interval."""

from __future__ import annotations

import numpy as np

from userip_lightning.report.statistics.bootstrap import Interval
from userip_lightning.report.statistics.metrics import Floats


def user_mean(values: Floats, replicates: int = 2000, seed: int = 0) -> Interval:
    """Mean of one figure per user, with the percentile interval of a bootstrap over users.

    Args:
        values: [U], at least one.
        replicates: of the bootstrap.
        seed: of the draws; figures of the same users that are drawn with one seed are paired.
    """
    rng = np.random.default_rng(seed)
    means = [values[rng.integers(len(values), size=len(values))].mean() for _ in range(replicates)]
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(values.mean()), float(low), float(high))
