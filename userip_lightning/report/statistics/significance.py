"""Paired t test over training seeds, with Holm's correction for several comparisons.

Holm 1979: sort the m p-values, multiply the i-th smallest by m - i + 1, and let no adjusted value fall
below the one before it. Controls the chance of any false claim without assuming independence.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import t as student

from userip_lightning.report.statistics.metrics import Floats


def paired_t(a: Floats, b: Floats) -> float:
    """Two-sided p-value that a and b have equal means over S paired seeds.

    Args:
        a: [S] metric of one method, one value per seed.
        b: [S] metric of the other, same seeds in the same order.

    Returns:
        NaN for fewer than two seeds; 1 or 0 where every difference is the same (zero or not).
    """
    difference = a - b
    if difference.size < 2:
        return float("nan")
    error = difference.std(ddof=1) / np.sqrt(difference.size)
    if error == 0:
        return float(difference[0] == 0)
    return float(2 * student.sf(abs(difference.mean()) / error, difference.size - 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values in the given order; NaN stays NaN and is not counted."""
    adjusted = [float("nan")] * len(p_values)
    known = sorted((p, i) for i, p in enumerate(p_values) if not np.isnan(p))
    floor = 0.0
    for rank, (p, i) in enumerate(known):
        floor = max(floor, min(1.0, p * (len(known) - rank)))
        adjusted[i] = floor
    return adjusted
