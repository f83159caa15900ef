"""A power cut or Ctrl+C that can be ordered: the process sends itself a signal in a chosen stage."""

import os
import signal

from lightning.pytorch import Callback, LightningModule, Trainer

#: Stage and signal, such as "profile SIGKILL" or, while it is tested, "profile-test SIGINT"; unset, nothing
#: happens.
VARIABLE = "TEST_SIGNAL"
#: Number of the process that gets it; unset, every one does.
RANK = "TEST_SIGNAL_RANK"


class Killer(Callback):
    """Sends the signal in the middle of an epoch, if this stage is the one.

    Args:
        stage: the stage that this Trainer runs.
        epoch: epoch to do it in, from 0.
    """

    def __init__(self, stage: str, epoch: int = 1) -> None:
        self.stage = stage
        self.epoch = epoch

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch, batch_idx: int
    ) -> None:
        if trainer.current_epoch == self.epoch:
            self._obey(self.stage)

    def on_test_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        self._obey(f"{self.stage}-test")

    def _obey(self, place: str) -> None:
        stage, _, name = os.environ.get(VARIABLE, "").partition(" ")
        rank = os.environ.get("LOCAL_RANK", "0")
        if stage == place and os.environ.get(RANK, rank) == rank:
            os.kill(os.getpid(), signal.Signals[name])
