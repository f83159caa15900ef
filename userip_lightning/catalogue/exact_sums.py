"""Figures whose sums are exact, so that a user's code does not depend on the order of their events."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_STEP = 2.0**-16  # nats
_MOST = 128 - _STEP  # nats; odds of 10^55


def rounded(figures: Floats) -> Floats:
    """Figures in nats, of any shape → the nearest multiples of 2^-16 within ±(128 - 2^-16).

    Each has 23 bits, which a float32 holds exactly, and a float64 holds every sum of up to 2^30 of them.
    """
    return np.asarray(np.clip(np.round(figures / _STEP) * _STEP, -_MOST, _MOST))
