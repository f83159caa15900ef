"""A Trainer's steps, shown as a piece of work."""

from __future__ import annotations

from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from userip_lightning.progress_bars import Piece


class ShownSteps(Callback):
    """Reports a Trainer's steps to a piece of work.

    Args:
        piece: of work.
        steps: in all.
    """

    def __init__(self, piece: Piece, steps: int) -> None:
        self._piece, self._steps = piece, steps

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Steps of an earlier run that is resumed do not count for the rate."""
        self._piece.begin(trainer.global_step)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """See Lightning."""
        if self._piece.due():  # reading a loss waits for the device
            self._piece.at(trainer.global_step, self._steps, f"loss {float(outputs['loss']):.3f}")
