"""Lines on standard error that tell how far the language model is, at most one in ten seconds."""

from __future__ import annotations

import sys
import time

from lightning.pytorch import Callback, LightningModule, Trainer

_PERIOD = 10.0


class Teller:
    """Tells of a piece of work.

    Args:
        what: is done.
    """

    def __init__(self, what: str) -> None:
        self._what, self._told = what, time.monotonic()

    def at(self, done: int, total: int, note: str = "") -> None:
        """So much is done; a line is written when it is time, and at the end."""
        if done == total or time.monotonic() - self._told >= _PERIOD:
            self._told = time.monotonic()
            print(f"{self._what}: {done}/{total} {note}".rstrip(), file=sys.stderr, flush=True)


class TellSteps(Callback):
    """Tells of a Trainer's steps.

    Args:
        what: is trained.
        steps: in all.
    """

    def __init__(self, what: str, steps: int) -> None:
        self._teller, self._steps = Teller(what), steps

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: object, batch: object, batch_idx: int
    ) -> None:
        """See Lightning."""
        assert isinstance(outputs, dict)
        self._teller.at(trainer.global_step, self._steps, f"loss {float(outputs['loss']):.3f}")
