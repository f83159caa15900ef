"""Knowledge of somebody else: a control. A network that gains as much from it has not read the texts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from userip_lightning.arrays import read_array, save_array
from userip_lightning.artifact import read_manifest, stable_hash, writing
from userip_lightning.baselines.kar.knowledge import ITEMS, KIND, USERS
from userip_lightning.leak_audit import rows_seen


def shuffle(source: Path, target: Path, seed: int = 0) -> Path:
    """Write a knowledge artifact in which users, and items, have each other's vectors.

    Who has no knowledge still has none, so that the two artifacts differ in nothing else. There are no texts.

    Args:
        source: a knowledge artifact.
        target: the new one; replaced as a whole.
        seed: of the two permutations.

    Raises:
        InputError: no whole knowledge artifact, or the target cannot be written.
    """
    manifest = read_manifest(source, KIND)
    rng = np.random.default_rng(seed)
    shuffled = {name: _permuted(read_array(source / name, "f", (None, None)), rng) for name in (USERS, ITEMS)}
    extra = {**manifest.extra, "shuffled": seed}
    settings = stable_hash([manifest.config_hash, "shuffled", seed])
    with writing(target, replace(manifest, config_hash=settings, extra=extra), rows_seen(source)) as draft:
        for name, vectors in shuffled.items():
            save_array(draft / name, vectors)
    return target


def _permuted(vectors: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    known = np.flatnonzero(np.abs(vectors).sum(axis=1))
    order = rng.permutation(known)
    permuted = vectors.copy()
    permuted[order] = vectors[np.roll(order, 1)]  # one cycle: nobody keeps their own
    return permuted
