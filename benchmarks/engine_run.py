"""Stage 1 as `userip fit` runs it, without loggers and checkpoints; how long its training takes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from stopwatch import now

from userip_lightning.lm.source import LMSource, resolve_dtype
from userip_lightning.profile.datamodule import ProfileDataModule
from userip_lightning.profile.module import ProfileModule
from userip_lightning.profile.strategy import NAME


class Clock(Callback):
    """What was trained, and when each step ended; the steps' data come from the loader in between."""

    def __init__(self) -> None:
        self.ended: list[float] = []  #    the start, then the end of every step
        self.users: list[list[int]] = []  # of every step
        self.targets, self.places, self.padding = 0, 0, 0
        self.begun, self.wall = 0.0, 0.0

    @property
    def seconds(self) -> float:
        """From the first batch's fetch to the last batch's end."""
        return self.ended[-1] - self.ended[0]

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        self.ended, self.begun = [now()], time.perf_counter()

    def on_train_batch_end(
        self, trainer: Trainer, module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.ended.append(now())
        shown = batch.batch  # None where nobody in a block has a behaviour
        self.users.append([] if shown is None else shown.user.tolist())
        if shown is not None:
            self.targets += int(shown.target.sum())
            self.places += int(shown.valid.sum())
            self.padding += int((~shown.valid).sum())

    def on_train_end(self, trainer: Trainer, module: LightningModule) -> None:
        self.wall = time.perf_counter() - self.begun


def fit(
    module: ProfileModule,
    data: ProfileDataModule,
    folder: Path,
    epochs: int = 1,
    batches: int | None = None,
    devices: int = 1,
    accelerator: str = "cpu",
) -> Clock:
    """Train; all batches of every epoch, or the first few."""
    clock = Clock()
    trainer = Trainer(
        max_epochs=epochs,
        default_root_dir=folder,
        accelerator=accelerator,
        devices=devices,
        strategy=NAME if devices > 1 else "auto",
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
    return resolve_dtype(lm.dtype)
