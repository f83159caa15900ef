"""Rows for stage 2: who liked what, with users numbered as in the profiles artifact."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import torch
from lightning.pytorch import LightningDataModule
from numpy.typing import NDArray
from torch import Tensor

from userip_lightning import artifact, leak_audit
from userip_lightning.artifact import Manifest
from userip_lightning.batches import RecBatch
from userip_lightning.controls.uninformative_profiles import Z, replaced
from userip_lightning.data.prepared import PreparedData
from userip_lightning.data.row_loader import RowLoader
from userip_lightning.data.row_sampler import RowBatchSampler
from userip_lightning.errors import InputError
from userip_lightning.schema import PRIOR, SUPPORT, TRAIN, ProfileVectors
from userip_lightning.weight_files import read_weights


class QuantizeDataModule(LightningDataModule):
    """TRAIN and SUPPORT rows of a prepared data set, beside the profiles that stage 1 inferred from them.

    Args:
        prepared: folder of the prepared artifact.
        profiles: folder of the profiles artifact.
        batch_size: N, rows per step, however many ranks share it.
        holdout: share of the TRAIN rows that no step uses; they measure the recommendation loss.
        seed: of the shuffling and of the choice of held-out rows.
        audit: refuse profiles that saw a validation or test row.
        z: the profiles of each user, those of another user, or noise in their place: the controls of stage 2.
    """

    profiles: ProfileVectors
    manifest: Manifest  # of the profiles artifact
    prior: dict[str, Tensor] | None  # state of the joint schedule's prior, where it made the profiles
    n_items: int
    rows_seen: NDArray[np.int64]  # by stage 1 and by this stage

    def __init__(
        self,
        prepared: str,
        profiles: str,
        batch_size: int = 4096,
        holdout: float = 0.05,
        seed: int = 0,
        audit: bool = True,
        z: Z = "own",
    ) -> None:
        super().__init__()
        if batch_size < 1:
            raise InputError(f"data.batch_size is {batch_size}; give a number of rows, at least 1.")
        if not 0 <= holdout < 1:
            raise InputError(f"data.holdout is {holdout}; give a share of the rows, from 0 to below 1.")
        self.prepared_path = prepared
        self.profiles_path = profiles
        self.batch_size = batch_size
        self.holdout = holdout
        self.seed = seed
        self.audit = audit
        self.z = z
        self._train: RowLoader[RecBatch] | None = None

    def setup(self, stage: str) -> None:
        """Read and check both artifacts.

        Raises:
            InputError: an artifact is missing, damaged or of another kind, the two descend from different
                data, the profiles saw a row that is judged, a user has rows but no profile, or one user's
                profile is to be permuted.
        """
        data = PreparedData.load(self.prepared_path)
        self.manifest = artifact.read_manifest(self.profiles_path, "profiles")
        artifact.expect_same_data(self.profiles_path, self.manifest, data.data_hash)
        if self.audit:
            leak_audit.refuse_leak(self.profiles_path, data.judged_rows())
        own_z = ProfileVectors.load(self.profiles_path, tuple(self.manifest.extra["names"]))
        self.profiles = replaced(own_z, self.z, self.seed)
        self.prior = _prior(Path(self.profiles_path))
        self.n_items = data.n_items
        events = data.rows(TRAIN, SUPPORT)
        if events.is_empty():
            raise InputError(
                f"{self.prepared_path}: no training rows, expected some; prepare the data again."
            )
        own = events["row_id"].to_numpy()
        self.rows_seen = np.union1d(leak_audit.rows_seen(self.profiles_path), own)
        self._split(events, self._positions(data, events))

    def _positions(self, data: PreparedData, events: pl.DataFrame) -> Tensor:
        """Row in the profiles of every event's user, [N] int64."""
        ids, known = data.users["user_id"].to_numpy().astype(np.str_), self.profiles.user_ids
        order = np.argsort(known)
        at = np.searchsorted(known, ids, sorter=order).clip(max=len(known) - 1)
        place = np.where(known[order[at]] == ids, order[at], -1)
        found = place[events["user"].to_numpy()]
        if (found < 0).any():
            user = events["user_id"][int((found < 0).argmax())]
            raise InputError(
                f"{self.profiles_path}: user {user!r} has training rows but no profile; run the profile "
                "stage again on this data."
            )
        return torch.from_numpy(found)

    def _split(self, events: pl.DataFrame, user: Tensor) -> None:
        item = torch.from_numpy(events["item"].to_numpy().astype(np.int64))
        label = torch.from_numpy(events["label"].to_numpy().astype(np.float32))
        # Users that are cold for the CTR model keep every support row: they have few.
        draw = np.random.default_rng(self.seed).random(len(events)) < self.holdout
        held = torch.from_numpy(draw & (events["split"] == TRAIN).to_numpy())
        rows = RecBatch(user, item, label)
        self._fit = RecBatch(*(column[~held] for column in rows))
        self._held = RecBatch(*(column[held] for column in rows))

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the training rows: a function of (seed, epoch)."""
        if self._train is not None:
            self._train.order.set_epoch(epoch)

    def train_dataloader(self) -> RowLoader[RecBatch]:
        """Shuffled batches of N rows; the same ones on every rank, for the ranks share each of them."""
        self._train = self._loader(self._fit, self.seed)
        return self._train

    def val_dataloader(self) -> list[RowLoader[RecBatch]]:
        """Held-out rows in order, all of them on every rank; no loader where nothing is held out."""
        return [self._loader(self._held, seed=None)] if len(self._held.label) else []

    def test_dataloader(self) -> list[RowLoader[RecBatch]]:
        """The loader of validation."""
        return self.val_dataloader()

    def predict_dataloader(self) -> RowLoader[Tensor]:
        """All users in order, [B] rows in the profiles; on every rank."""
        users = torch.arange(len(self.profiles.user_ids))
        return RowLoader(users.__getitem__, RowBatchSampler(len(users), self.batch_size, seed=None))

    def _loader(self, rows: RecBatch, seed: int | None) -> RowLoader[RecBatch]:
        def take(index: Tensor) -> RecBatch:
            return RecBatch(*(column[index] for column in rows))

        return RowLoader(take, RowBatchSampler(len(rows.label), self.batch_size, seed))


def _prior(profiles: Path) -> dict[str, Tensor] | None:
    """What the joint schedule left beside its profiles; None where it left nothing."""
    file = profiles / PRIOR
    if not file.is_file():
        return None
    state: dict[str, Tensor] = read_weights(file, f"delete {profiles} and run the profile stage again")
    return state
