"""Rows of the CTR model: ids, codes from a bank, continuous profiles, knowledge, item text, attributes."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import torch
from lightning.pytorch import LightningDataModule
from numpy.typing import NDArray

from userip_lightning.artifact import Manifest, expect_same_data, read_manifest
from userip_lightning.bank import FeatureBank
from userip_lightning.batches import CTRBatch
from userip_lightning.ctr.fields import (
    attribute_columns,
    code_columns,
    id_columns,
    item_text_column,
    knowledge_columns,
    schema_of,
    vector_columns,
)
from userip_lightning.data.prepared import PreparedData
from userip_lightning.data.row_slices import RowSlices
from userip_lightning.errors import InputError
from userip_lightning.leak_audit import refuse_leak
from userip_lightning.schema import TEST, TRAIN, VAL, FeatureSchema, ProfileVectors
from userip_lightning.texts.source import TextSource

#: Rows that a loader hands out at a time: what happens between two of Lightning's steps should cost little
#: beside them, and scoring should not be slower because training steps are small.
BLOCK = 1 << 13


class _Loaded(NamedTuple):
    prepared: PreparedData
    schema: FeatureSchema
    rows: dict[str, CTRBatch]  # split → all its rows


class CTRDataModule(LightningDataModule):
    """TRAIN, VAL and TEST rows of prepared data as whole tensors, handed out in slices.

    Args:
        prepared: folder of the prepared data.
        bank: root of a feature bank (or one version's folder) whose codes become fields; None for a model
            without codes.
        profiles: folder of a profiles artifact whose vectors become fields, as they are; None for a model
            without them.
        batch_size: rows per optimizer step, however many ranks share it. Loaders hand out as many whole
            batches at a time as make :data:`BLOCK` rows.
        seed: fixes the order of training rows, and the network's start and dropout.
        attributes: whether user and item attributes become fields too.
        audit: whether a bank, profiles or knowledge that saw a row of VAL or TEST are refused.
        knowledge: folder of a knowledge artifact whose vectors of users and items become fields; None for a
            model without them.
        item_text: what reads the items' texts, whose vectors become a field; None for a model without it.
        item_text_columns: columns of the item table that make an item's text, in order; ``[title]`` if None.
    """

    def __init__(
        self,
        prepared: str,
        bank: str | None = None,
        profiles: str | None = None,
        batch_size: int = 1024,
        seed: int = 0,
        attributes: bool = False,
        audit: bool = True,
        knowledge: str | None = None,
        item_text: TextSource | None = None,
        item_text_columns: list[str] | None = None,
    ) -> None:
        super().__init__()
        if batch_size < 1:
            raise InputError(f"data.batch_size is {batch_size}; give a number of rows, at least 1.")
        if not 0 <= seed < 2**31:
            raise InputError(f"data.seed is {seed}; give a whole number from 0 to 2147483647.")
        self.prepared = prepared
        self.bank = bank
        self.profiles = profiles
        self.batch_size = batch_size
        self.seed = seed
        self.attributes = attributes
        self.audit = audit
        self.knowledge = knowledge
        self.item_text = item_text
        self.item_text_columns = ["title"] if item_text_columns is None else item_text_columns
        self._train: RowSlices | None = None

    @property
    def feature_schema(self) -> FeatureSchema:
        """``user_id``, ``item_id``, ``code_<profile>`` …, ``z_<profile>`` …, ``user_knowledge``,
        ``item_knowledge``, ``item_text``, ``user_<attribute>`` …, ``item_<attribute>`` …"""
        return self._loaded.schema

    @property
    def judged(self) -> pl.DataFrame:
        """``row_id``, ``user_id``, ``split``, ``label`` of every VAL and TEST row."""
        return self._loaded.prepared.rows(VAL, TEST).select("row_id", "user_id", "split", "label")

    @property
    def rows_seen(self) -> NDArray[np.int64]:
        """Ids of the TRAIN rows."""
        return self._loaded.rows[TRAIN].row_id.numpy()

    @property
    def provenance(self) -> Manifest:
        """Manifest of the prepared data."""
        return self._loaded.prepared.manifest

    def prepare_data(self) -> None:
        """Let one process read the items' texts, after which the others find their vectors in the cache."""
        if self.item_text is not None:
            _ = self._loaded

    def setup(self, stage: str) -> None:
        """Read everything, so that bad input is refused before a model exists.

        Raises:
            InputError: the prepared data, the bank, the profiles, the knowledge or the items' texts cannot be
                used, they belong to different data, or one of them saw a row on which the model will be
                judged.
        """
        _ = self._loaded

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the training rows: a function of (seed, epoch)."""
        if self._train is not None:
            self._train.set_epoch(epoch)

    def train_dataloader(self) -> RowSlices:
        """TRAIN rows, shuffled anew every epoch; all of them on every rank, as ranks share each batch."""
        self._train = RowSlices(self._loaded.rows[TRAIN], self._block, self.seed, rank=0, ranks=1)
        return self._train

    def val_dataloader(self) -> RowSlices:
        """VAL rows; this rank's part of them."""
        return self._judged(self._loaded.rows[VAL])

    def test_dataloader(self) -> RowSlices:
        """VAL and TEST rows: a report needs the scores of both from one model."""
        both = zip(self._loaded.rows[VAL], self._loaded.rows[TEST], strict=True)
        return self._judged(CTRBatch(*map(torch.cat, both)))

    def predict_dataloader(self) -> RowSlices:
        """The rows of :meth:`test_dataloader`."""
        return self.test_dataloader()

    def transfer_batch_to_device(
        self, batch: CTRBatch, device: torch.device, dataloader_idx: int
    ) -> CTRBatch:
        """What Lightning does, without its search for tensors in whatever nesting at every step."""
        if device.type == "cpu":
            return batch
        return CTRBatch(*(column.to(device, non_blocking=True) for column in batch))

    def _judged(self, rows: CTRBatch) -> RowSlices:
        rank, ranks = (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
        return RowSlices(rows, self._block, None, rank, ranks)

    @property
    def _block(self) -> int:
        """Rows that a loader hands out at a time: whole batches."""
        return self.batch_size * max(1, BLOCK // self.batch_size)

    @cached_property
    def _loaded(self) -> _Loaded:
        prepared = PreparedData.load(self.prepared)
        columns = id_columns(prepared)
        if self.bank is not None:
            columns += code_columns(prepared, self._checked_bank(self.bank, prepared))
        if self.profiles is not None:
            columns += vector_columns(prepared, self._checked_profiles(self.profiles, prepared))
        if self.knowledge is not None:
            self._check_origin(self.knowledge, read_manifest(self.knowledge, "knowledge"), prepared)
            columns += knowledge_columns(prepared, self.knowledge)
        if self.item_text is not None:
            columns.append(item_text_column(prepared, self.item_text, self.item_text_columns))
        if self.attributes:
            columns += attribute_columns(prepared)
        whole = CTRBatch(
            fields=torch.from_numpy(np.stack([column.values for column in columns], axis=1)),
            label=torch.from_numpy(prepared.events["label"].to_numpy().astype(np.float32)),
            row_id=torch.from_numpy(prepared.events["row_id"].to_numpy().copy()),
        )
        rows = {}
        for split in (TRAIN, VAL, TEST):
            at = torch.from_numpy((prepared.events["split"] == split).to_numpy().nonzero()[0])
            if not len(at):
                raise InputError(
                    f"{self.prepared}: the split {split!r} has no rows; choose another data.split."
                )
            rows[split] = CTRBatch(*(column[at] for column in whole))
        return _Loaded(prepared, schema_of(columns), rows)

    def _checked_bank(self, root: str, prepared: PreparedData) -> FeatureBank:
        bank = FeatureBank.open(root)
        self._check_origin(bank.path, bank.manifest, prepared)
        return bank

    def _checked_profiles(self, folder: str, prepared: PreparedData) -> ProfileVectors:
        manifest = read_manifest(folder, "profiles")
        self._check_origin(folder, manifest, prepared)
        return ProfileVectors.load(folder, tuple(manifest.extra["names"]))

    def _check_origin(self, path: str | Path, manifest: Manifest, prepared: PreparedData) -> None:
        expect_same_data(path, manifest, prepared.data_hash)
        if self.audit:
            refuse_leak(path, prepared.judged_rows())
