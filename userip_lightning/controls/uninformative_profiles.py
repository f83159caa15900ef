"""Profiles that say nothing of their user: what stage 2's codes have to beat for z to matter.

Stage 2 moves users by their labels, so its codes can be good whatever z holds. Trained again on one of these,
with all else as it was, it tells how much of its codes comes from z.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from userip_lightning.data.derangement import cycle
from userip_lightning.errors import InputError
from userip_lightning.schema import ProfileVectors
from userip_lightning.seeds import place_generator

#: A user's own z, that of another user, or noise.
Z = Literal["own", "permuted", "noise"]

# Spawn keys of three numbers: those of stage 2's epochs and batches have one and two.
_PERMUTATION, _NOISE = (0, 0, 0), (0, 0, 1)
_BLOCK = 65_536  # users whose figures are added up at once


def replaced(profiles: ProfileVectors, z: Z, seed: int) -> ProfileVectors:
    """The profiles that stage 2 is to be trained on.

    Args:
        profiles: stage 1's, [U, P, S, D].
        z: whose.
        seed: of permutation and noise.

    Raises:
        InputError: a permutation of one user.
    """
    match z:
        case "own":
            return profiles
        case "permuted":
            return _permuted(profiles, seed)
        case "noise":
            return _noise(profiles, seed)


def _permuted(profiles: ProfileVectors, seed: int) -> ProfileVectors:
    """Nobody keeps their own. Ids move and z stays on disk, so that stage 2 starts at the same codebooks."""
    ids = profiles.user_ids
    if len(ids) < 2:
        raise InputError(
            "permuted_z: the profiles have one user, and at least two are needed to permute them; leave "
            "permuted_z out of controls."
        )
    return ProfileVectors(
        ids[cycle(len(ids), place_generator(seed, *_PERMUTATION))], profiles.names, profiles.z
    )


def _noise(profiles: ProfileVectors, seed: int) -> ProfileVectors:
    """Gaussian, with the mean and standard deviation that every coordinate has over users."""
    z = profiles.z
    total = np.zeros(z.shape[1:])
    squares = np.zeros(z.shape[1:])
    for first in range(0, len(z), _BLOCK):
        block = z[first : first + _BLOCK].astype(np.float64)
        total += block.sum(axis=0)
        squares += (block**2).sum(axis=0)
    mean = total / len(z)
    spread = np.sqrt(np.maximum(squares / len(z) - mean**2, 0.0))
    drawn = place_generator(seed, *_NOISE).standard_normal(z.shape, dtype=np.float32)
    drawn *= spread.astype(np.float32)
    drawn += mean.astype(np.float32)
    return ProfileVectors(profiles.user_ids, profiles.names, drawn)
