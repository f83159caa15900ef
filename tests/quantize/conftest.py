"""Planted users on disk: random soft tokens, labels that depend on a latent class and the item."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from userip_lightning.artifact import Manifest, writing
from userip_lightning.quantize.datamodule import QuantizeDataModule
from userip_lightning.schema import SUPPORT, TEST, TRAIN, VAL, ProfileVectors

USERS, ITEMS, ROWS, DATA_HASH = 80, 24, 24, "d" * 16


class Planted(NamedTuple):
    """Artifacts of planted users, and the truth."""

    prepared: Path
    profiles: Path
    latent: NDArray[np.int64]  # [U], class of every user in the order of the profiles

    def datamodule(self, batch_size: int = 256, holdout: float = 0.1, seed: int = 0) -> QuantizeDataModule:
        return QuantizeDataModule(str(self.prepared), str(self.profiles), batch_size, holdout, seed)


def write_prepared(folder: Path, events: pl.DataFrame, users: list[str], items: int) -> Path:
    with writing(folder, Manifest("prepared", DATA_HASH, DATA_HASH, len(users))) as draft:
        events.write_parquet(draft / "events.parquet")
        item = pl.Series("item", range(items), dtype=pl.Int32)
        pl.DataFrame({"item_id": [f"i{i:03d}" for i in range(items)], "item": item}).write_parquet(
            draft / "items.parquet"
        )
        user = pl.Series("user", range(len(users)), dtype=pl.Int32)
        pl.DataFrame({"user_id": users, "user": user}).write_parquet(draft / "users.parquet")
    return folder


def write_profiles(
    folder: Path,
    users: list[str],
    names: tuple[str, ...],
    z: NDArray[np.float32],
    rows: NDArray[np.int64],
    data_hash: str = DATA_HASH,
) -> Path:
    manifest = Manifest("profiles", "p" * 16, data_hash, len(users), lm="tiny", extra={"names": list(names)})
    with writing(folder, manifest, rows) as draft:
        ProfileVectors(np.array(users), names, z).save(draft)
    return folder


@pytest.fixture
def plant(tmp_path: Path) -> Callable[..., Planted]:
    """Builds a planted population of random soft tokens.

    By ``taste``, users of class c like the items of class c; otherwise class 1 is generous and likes
    everything. One label in ten is flipped.
    """

    def build(
        names: tuple[str, ...] = ("hobby",),
        taste: bool = True,
        classes: int = 2,
        width: int = 6,
        seed: int = 0,
    ) -> Planted:
        rng = np.random.default_rng(seed)
        latent = rng.integers(classes, size=USERS)
        user = np.repeat(np.arange(USERS), ROWS)
        item = np.concatenate([rng.permutation(ITEMS) for _ in range(USERS)])
        likes = item % classes == latent[user] if taste else latent[user] == 1
        label = likes ^ (rng.random(len(user)) < 0.1)
        split = rng.choice([TRAIN, TRAIN, TRAIN, TRAIN, SUPPORT, VAL, TEST], size=len(user))
        ids = [f"u{u:03d}" for u in range(USERS)]
        events = pl.DataFrame(
            {
                "row_id": np.arange(len(user)),
                "user_id": [ids[u] for u in user],
                "user": user.astype(np.int32),
                "item": item.astype(np.int32),
                "label": label.astype(np.int8),
                "split": split.tolist(),
            }
        )
        seen = events.filter(pl.col("split").is_in([TRAIN, SUPPORT]))["row_id"].to_numpy()
        # The profiles list users in another order than the prepared data does.
        order = rng.permutation(USERS)
        z = (rng.normal(size=(USERS, len(names), 1, width)) * 0.136).astype(np.float32)
        return Planted(
            write_prepared(tmp_path / "prepared", events, ids, ITEMS),
            write_profiles(tmp_path / "profiles", [ids[u] for u in order], names, z, seen),
            latent[order],
        )

    return build
