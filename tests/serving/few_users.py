"""Banks of a few users whose codes a test names."""

from pathlib import Path

import numpy as np

from userip_lightning.artifact import Manifest
from userip_lightning.bank import FeatureBank

NAMES, SIZES = ("hobby", "back ground"), (4, 3)


def write_bank(
    root: Path,
    codes: dict[str, tuple[int, ...]],
    names: tuple[str, ...] = NAMES,
    sizes: tuple[int, ...] = SIZES,
) -> FeatureBank:
    """A version with these users' codes, made the current one."""
    manifest = Manifest("bank", config_hash="c", data_hash="d", users=0)
    values = np.array(list(codes.values()), dtype=np.int64).reshape(len(codes), len(names))
    return FeatureBank.open(
        FeatureBank.write(root, list(codes), values, names, sizes, manifest, np.array([1, 2]))
    )
