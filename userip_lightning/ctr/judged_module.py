"""What every module that scores rows has in common: its epochs, its judgement, and what it exports of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
import polars as pl
import torch
from lightning.pytorch import LightningModule
from numpy.typing import NDArray
from torch import Tensor

from userip_lightning.artifact import Manifest
from userip_lightning.ctr.export import quality, with_scores
from userip_lightning.ctr.scored import Quality, Scored, gather, measure
from userip_lightning.errors import InputError
from userip_lightning.schema import TEST
from userip_lightning.seeds import place_seed


class JudgedData(Protocol):
    """What a DataModule must offer to train and judge a :class:`JudgedModule`, besides its loaders."""

    seed: int

    @property
    def judged(self) -> pl.DataFrame:
        """``row_id``, ``user_id``, ``split``, ``label`` of the rows that testing scores."""

    @property
    def rows_seen(self) -> NDArray[np.int64]:
        """Ids of the rows that training sees, or that a prompt shows."""

    @property
    def provenance(self) -> Manifest:
        """Manifest of the prepared data."""

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the training rows."""


class JudgedModule(LightningModule):
    """A module whose ``predict_step`` gives :class:`~userip_lightning.ctr.scored.Scored` rows."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[Scored] = []
        self._tested: pl.DataFrame | None = None

    @property
    def data(self) -> JudgedData:
        """The DataModule at work."""
        raise NotImplementedError

    def on_train_epoch_start(self) -> None:
        """Order the rows; dropout is a function of seed and epoch."""
        self.data.set_epoch(self.current_epoch)
        torch.manual_seed(place_seed(self.data.seed, self.current_epoch))

    def validation_step(self, batch: Any) -> None:
        """Score a batch."""
        self._parts.append(self.predict_step(batch))

    def test_step(self, batch: Any) -> None:
        """Score a batch."""
        self._parts.append(self.predict_step(batch))

    def on_validation_epoch_end(self) -> None:
        """Log AUC and Logloss of all rows at once."""
        scored = self._gathered()
        if not self.trainer.sanity_checking:
            self._log("val", measure(scored.label, scored.score))

    def on_test_epoch_end(self) -> None:
        """Keep the scores for the export; log AUC and Logloss of the test split."""
        self._tested = with_scores(self.data.judged, self._gathered())
        self._log("test", quality(self._tested, TEST))

    def tested_rows(self, path: Path) -> pl.DataFrame:
        """``judged`` of the DataModule with ``score``, of all rows that were tested.

        Raises:
            InputError: nothing was tested; names ``path``, which was to hold them.
        """
        if self._tested is None:
            raise InputError(f"{path}: there are no predictions to write; test the model first.")
        return self._tested

    def _gathered(self) -> Scored:
        """What all ranks scored since the last call."""
        parts, self._parts = self._parts, []
        return gather(parts, self._from_all)

    def _from_all(self, column: Tensor) -> Tensor:
        found = self.all_gather(column)
        assert isinstance(found, Tensor)
        return found

    def _log(self, split: str, quality: Quality) -> None:
        self.log(f"{split}/auc", quality.auc, prog_bar=True)
        self.log(f"{split}/logloss", quality.logloss, prog_bar=True)
