"""Random numbers of a place in a run: of an epoch, a batch in it, a user. Two places draw different numbers.

numpy pads a seed that is a sequence with zeros, so that [s, e] and [s, e, 0] are one seed. Keys of
``SeedSequence.spawn_key`` are told apart by their length as well.
"""

from __future__ import annotations

import numpy as np


def place_generator(seed: int, *place: int) -> np.random.Generator:
    """Generator of a place under ``seed``."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=place))


def place_seed(seed: int, *place: int) -> int:
    """Seed of a place under ``seed``: 32 bits, which is what torch's generator on a CPU reads."""
    return int(np.random.SeedSequence(seed, spawn_key=place).generate_state(1)[0])
