"""A disk that can be ordered to be full: from a chosen moment on, no file grows beyond some bytes."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager

from lightning.pytorch import Callback, LightningModule, Trainer

#: Stage, moment (training or export) and bytes, such as "profile export 4096"; unset, nothing happens.
VARIABLE = "TEST_FULL_DISK"


def fill(limit: int) -> None:
    """Make every write beyond ``limit`` bytes of a file fail half-way; Python ignores the signal for it."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))


@contextmanager
def emptied() -> Iterator[None]:
    """Whatever filled the disk inside the block, there is space after it."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class FullDisk(Callback):
    """Fills the disk in a stage, if it is the one.

    Args:
        stage: the stage that this Trainer runs.
    """

    def __init__(self, stage: str) -> None:
        self.stage = stage

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._fill("training")

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._fill("export")

    def _fill(self, moment: str) -> None:
        stage, wanted, limit = (os.environ.get(VARIABLE) or "none never 0").split()
        if (stage, wanted) == (self.stage, moment):
            fill(int(limit))
