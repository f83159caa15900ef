"""A power cut that can be ordered: the process kills itself, as `kill -9` would, in a chosen stage."""

import os
import signal

from lightning.pytorch import Callback, LightningModule, Trainer

#: Names the stage to die in; unset, nothing happens.
VARIABLE = "TEST_KILL_IN"


class Killer(Callback):
    """Dies in the middle of an epoch, if this stage is the one.

    Args:
        stage: the stage that this Trainer runs.
        epoch: epoch to die in, from 0.
    """

    def __init__(self, stage: str, epoch: int = 1) -> None:
        self.stage = stage
        self.epoch = epoch

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch, batch_idx: int
    ) -> None:
        if os.environ.get(VARIABLE) == self.stage and trainer.current_epoch == self.epoch:
            os.kill(os.getpid(), signal.SIGKILL)
