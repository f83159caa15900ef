"""One process of stage 1 runs; started by ``torch.distributed.run``, or called by the only process there is.

python -m tests.profile.one_of_many PREPARED LM FOLDER
"""

import os
import sys
from dataclasses import replace
from pathlib import Path

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from tests.profile.runner import Run

#: The run whose language model is divided among the processes, where there are several.
DIVIDED = "divided"
#: Folder, schedule and epochs of every run; a folder's second run resumes its first.
RUNS = (
    ("staged", "staged", 2),
    ("resumed", "staged", 1),
    ("resumed", "staged", 2),
    ("streaming", "streaming", 1),
    (DIVIDED, "staged", 1),
)


def infer(run: Run, root: Path, schedule: str, epochs: int) -> None:
    """Train, test and export, as one of as many processes as there are."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    trainer = Trainer(
        default_root_dir=root,
        max_epochs=epochs,
        accelerator="cpu",
        devices=world,
        strategy="user_sharded" if world > 1 else "auto",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[ModelCheckpoint(root, save_last=True, save_top_k=0)],
    )
    if root.name == DIVIDED and world > 1:
        run.lm = replace(run.lm, sharded=True)
    module, data = run.module(schedule=schedule, inner_steps=2), run.data(batch_size=4)
    last = root / "last.ckpt"
    trainer.fit(module, datamodule=data, ckpt_path=last if last.exists() else None)
    metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
    trainer.test(module, datamodule=data, verbose=False)
    module.export(root / "profiles")
    if trainer.is_global_zero:
        metrics |= {name: float(value) for name, value in trainer.callback_metrics.items()}
        torch.save(metrics, root / "metrics.pt")


def main(prepared: str, lm: str, folder: str) -> None:
    """All runs, one after another."""
    torch.set_num_threads(1)
    for name, schedule, epochs in RUNS:
        infer(Run(Path(prepared), Path(lm)), Path(folder) / name, schedule, epochs)


if __name__ == "__main__":
    main(*sys.argv[1:4])
