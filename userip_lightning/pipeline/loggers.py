"""Where a run's curves go: CSV files always, Weights & Biases as the experiment says."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lightning.pytorch.loggers import CSVLogger, Logger, WandbLogger

from userip_lightning.errors import InputError
from userip_lightning.pipeline.metric_names import EPOCH, FIGURES, STEP
from userip_lightning.pipeline.plan import Job
from userip_lightning.pipeline.run_labels import GIVEN, run_labels
from userip_lightning.pipeline.settings import Settings

if TYPE_CHECKING:
    import wandb

#: Longest tag that W&B takes, in characters.
_TAG = 64


@contextmanager
def run_loggers(
    job: Job, settings: Settings, root: Path, labels: Mapping[str, str] | None = None
) -> Iterator[list[Logger]]:
    """Loggers of one run; a resumed run writes a further ``version_N`` beside the killed one's curves.

    Args:
        job: the run.
        settings: of its experiment, which becomes the W&B group.
        root: the experiment's folder.
        labels: what the run does not say of itself (see ``labels.run_labels``), as config and tags.

    Raises:
        InputError: W&B cannot be used as asked, or an unknown label.
    """
    loggers: list[Logger] = [CSVLogger(root / "logs", name=f"{job.label}-{job.key}")]
    found_by = run_labels(job, labels or {})
    if settings.wandb.mode == "disabled":
        yield loggers
        return
    run = _start(job, settings, root, found_by)
    try:
        yield [*loggers, WandbLogger(experiment=run)]
    except BaseException:
        run.finish(exit_code=1)  # W&B would call it finished: it cannot see that an exception is passing
        raise
    run.finish()


def _start(job: Job, settings: Settings, root: Path, found_by: Mapping[str, str | int]) -> wandb.Run:
    import wandb  # takes a second, and runs without it need it never

    os.environ.setdefault("WANDB_SILENT", "true")
    tags = dict.fromkeys(str(found_by[name])[:_TAG] for name in GIVEN if name in found_by)
    try:
        run = wandb.init(
            project=settings.wandb.project,
            name=job.label,
            group=settings.experiment,
            job_type=job.stage.name,
            tags=list(tags),
            dir=root,
            mode=settings.wandb.mode,
            config={**job.section, **found_by, "variant": job.variant, "key": job.key},
            settings=wandb.Settings(
                silent=True,
                console="off",
                disable_git=True,
                x_disable_stats=True,
                x_save_requirements=False,  # 50 ms a run to list all packages; results.json has ours
                reinit="create_new",  # a run that the caller has open is theirs to finish
            ),
        )
    except wandb.Error as error:
        raise InputError(
            f"wandb: no run can be started with mode {settings.wandb.mode} and project "
            f"{settings.wandb.project!r} ({' '.join(str(error).split()).rstrip('.')}); change these two, "
            "run `wandb login`, or use --wandb.mode disabled."
        ) from None
    _define(run)
    return run


def _define(run: wandb.Run) -> None:
    """Tell W&B the axis of every figure, and which figures its summary keeps the best value of."""
    for axis in (EPOCH, STEP):
        run.define_metric(axis, hidden=True)
    for figure in FIGURES:
        head, star, _ = figure.name.partition("*")  # W&B knows a star at the end alone
        run.define_metric(head + star, step_metric=figure.axis, summary=figure.best)
