"""Where a run's curves go: CSV files always, Weights & Biases as the experiment says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import wandb
from lightning.pytorch.loggers import CSVLogger, Logger, WandbLogger

from userip_lightning.errors import InputError
from userip_lightning.pipeline.plan import Job
from userip_lightning.pipeline.settings import Settings


@contextmanager
def run_loggers(job: Job, settings: Settings, root: Path) -> Iterator[list[Logger]]:
    """Loggers of one run; a resumed run writes a further ``version_N`` beside the killed one's curves.

    Raises:
        InputError: W&B cannot be reached in ``online`` mode.
    """
    loggers: list[Logger] = [CSVLogger(root / "logs", name=f"{job.label}-{job.key}")]
    if settings.wandb.mode == "disabled":
        yield loggers
        return
    os.environ.setdefault("WANDB_SILENT", "true")
    try:
        run = wandb.init(
            project=settings.wandb.project,
            name=job.label,
            group=settings.experiment,
            job_type=job.stage.name,
            dir=root,
            mode=settings.wandb.mode,
            config={"variant": job.variant, "seed": job.seed, "key": job.key, **job.section},
            settings=wandb.Settings(silent=True, console="off", disable_git=True, x_disable_stats=True),
        )
    except wandb.Error as error:
        raise InputError(
            f"wandb.mode: online was asked for, but W&B cannot be used ({' '.join(str(error).split())}); "
            "run `wandb login` or use --wandb.mode offline."
        ) from None
    try:
        yield [*loggers, WandbLogger(experiment=run)]
    finally:
        run.finish()
