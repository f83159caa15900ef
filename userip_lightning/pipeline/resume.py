"""Picking a killed run up where it stood, so that it ends as if nobody had killed it.

A checkpoint after every epoch and early stopping that remembers that it had stopped; the modules add that
their random numbers depend on the seed and the epoch alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint, EarlyStopping, ModelCheckpoint

from userip_lightning.pipeline.settings import Selection
from userip_lightning.weight_files import fault

LAST, BEST = "last.ckpt", "best.ckpt"


class LastingEarlyStopping(EarlyStopping):
    """Early stopping that stays stopped when it is resumed after its last epoch."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        # Lightning restores wait_count but not should_stop, and would train one more epoch.
        if self.wait_count >= self.patience:
            trainer.should_stop = True


class BestCheckpoint(ModelCheckpoint):
    """The best epoch so far, also of a folder that has moved: Lightning would forget how good it was."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        def here(path: str) -> str:
            return str(Path(str(self.dirpath)) / Path(path).name) if path else path

        paths = ("best_model_path", "kth_best_model_path", "last_model_path")
        moved = {name: here(state_dict[name]) for name in paths}
        scores = {here(path): score for path, score in state_dict["best_k_models"].items()}
        super().load_state_dict({**state_dict, **moved, "best_k_models": scores, "dirpath": self.dirpath})


class LastCheckpoint(Checkpoint):
    """Replace ``last.ckpt`` in the Trainer's ``default_root_dir`` after every epoch; it is whole at any time.

    ModelCheckpoint would skip it where ``global_step`` does not move, as it does not while stage 1 steps
    optimizers that Lightning does not know.
    """

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        last = Path(trainer.default_root_dir) / LAST
        draft = last.with_suffix(".part")
        trainer.save_checkpoint(draft)
        if trainer.is_global_zero:
            os.replace(draft, last)


def resumable(work: Path, selection: Selection | None) -> list[Callback]:
    """Callbacks that make a run resumable, and select its best epoch where ``selection`` is given.

    ``work`` has to be the Trainer's ``default_root_dir``.
    """
    if selection is None:
        return [LastCheckpoint()]
    mode = "max" if selection.monitor.endswith("auc") else "min"
    best = BestCheckpoint(
        work, filename=Path(BEST).stem, monitor=selection.monitor, mode=mode, enable_version_counter=False
    )
    stop = LastingEarlyStopping(selection.monitor, mode=mode, patience=selection.patience)
    return [stop, best, LastCheckpoint()]


def resume_point(work: Path, notice: Callable[[str], None]) -> Path | None:
    """The checkpoint to resume from; None starts afresh, with a notice where one lay there but is damaged."""
    checkpoints = [work / name for name in (LAST, BEST) if (work / name).exists()]
    damaged = [file for file in checkpoints if fault(file) is not None]
    if damaged:
        notice(f"{damaged[0]} is damaged, the stage starts afresh.")
        for file in checkpoints:
            file.unlink()
        return None
    return work / LAST if (work / LAST).exists() else None
