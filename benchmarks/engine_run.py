"""Stage 1 as `userip fit` runs it, without loggers and checkpoints; how long its training takes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from userip_lightning.data.profile_datamodule import ProfileDataModule
from userip_lightning.profile.backbone import LMSource, load_backbone
from userip_lightning.profile.module import ProfileModule


class Clock(Callback):
    """Seconds from the first batch's fetch to the last batch's end, and what was trained in them."""

    def __init__(self) -> None:
        self.seconds, self.targets, self.places = 0.0, 0, 0
        self.users: list[int] = []
        self.started = 0.0

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        self.started = time.perf_counter()

    def on_train_batch_end(
        self, trainer: Trainer, module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.users += batch[0].user.tolist()
        self.targets += sum(int(part.target.sum()) for part in batch)
        self.places += sum(int(part.valid.sum()) for part in batch)

    def on_train_end(self, trainer: Trainer, module: LightningModule) -> None:
        self.seconds = time.perf_counter() - self.started


def fit(
    module: ProfileModule, data: ProfileDataModule, folder: Path, epochs: int = 1, batches: int | None = None
) -> Clock:
    """Train; all batches of every epoch, or the first few."""
    clock = Clock()
    trainer = Trainer(
        max_epochs=epochs,
        default_root_dir=folder,
        accelerator="cpu",
        logger=False,
        callbacks=[clock],
        limit_train_batches=batches,
        limit_val_batches=0,
        num_sanity_val_steps=0,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, data)
    return clock


def dtype_of(lm: LMSource) -> torch.dtype:
    """What the engine's weights are on this machine."""
    return load_backbone(lm).dtype
