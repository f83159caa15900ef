"""Banks in which every answer says which version it comes from."""

from pathlib import Path

import numpy as np

from userip_lightning.artifact import Manifest
from userip_lightning.bank import FeatureBank

NAMES, SIZES = ("hobby", "background"), (97, 89)
#: Ids that a careless format would mix up.
ODD = ["-x", 'Zoë "q\\', "a\nb", '":[', "[3,1]", ",", "1\t2", "日本", "\x01", 'a"', "🙂", "user_1,", "1.5"]


def ids(users: int) -> list[str]:
    return [f"user_{number}" for number in range(users - len(ODD))] + ODD


def codes(users: int, version: int) -> np.ndarray:
    """Code of user u in version v: u + v, modulo the size."""
    return (np.arange(users)[:, None] + version) % np.array(SIZES)


def write(root: Path, version: int = 0, users: int = 300, states: bool = False) -> FeatureBank:
    arrays = {"item_ids": np.array(["i1", "i22"]), "evidence": np.full((2, 3), version, np.float32)}
    if states:
        # [U, W] in the order of codes.parquet; its first column is the user's place there
        arrays["states"] = np.stack([np.arange(users), np.full(users, version)], axis=1).astype(np.float64)
    manifest = Manifest(
        "bank", config_hash=f"c{version}", data_hash="d", users=users, extra={"events": "items"}
    )
    path = FeatureBank.write(
        root, ids(users), codes(users, version), NAMES, SIZES, manifest, np.arange(7), arrays
    )
    return FeatureBank.open(path)
