"""The search for a row's hyper-parameters: every method gets the same trials, judged on validation alone.

The first trial is the configuration as it stands; the others come from Optuna's tree-structured Parzen
estimator (Bergstra et al., "Algorithms for Hyper-Parameter Optimization", 2011), whose first ten are plain
draws, and the same ones for every method. A trial is a training run of the first seed that never sees a test
row; what it reached is kept under the key of that run, so a killed search goes on where it stood.
"""

from __future__ import annotations

import json
from typing import NamedTuple

import optuna
from lightning.pytorch import seed_everything
from lightning.pytorch.callbacks import EarlyStopping
from optuna.samplers import TPESampler
from optuna.study import StudyDirection
from optuna.trial import TrialState

from userip_lightning.atomic import write_errors, write_text
from userip_lightning.errors import InputError
from userip_lightning.pipeline.plan import Job
from userip_lightning.pipeline.quiet import quiet
from userip_lightning.pipeline.settings import Selection
from userip_lightning.pipeline.training import instantiate, make_trainer
from userip_lightning.reproduce.row_task import Parameters, Task

TRIALS = "trials"


class Chosen(NamedTuple):
    """The best trial's hyper-parameters, and how many trials had to be run."""

    parameters: Parameters
    run: int


def choose(task: Task) -> Chosen:
    """Search for the hyper-parameters of a row.

    Raises:
        InputError: every trial was refused.
    """
    if task.tuning.trials <= 1:
        return Chosen(task.defaults, 0)
    up = task.experiment.settings.selection.monitor.endswith("auc")
    direction = StudyDirection.MAXIMIZE if up else StudyDirection.MINIMIZE
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    search = optuna.create_study(direction=direction, sampler=TPESampler(seed=task.tuning.seed))
    reached: list[tuple[float, Parameters]] = []
    refused: InputError | None = None
    run = 0
    for number in range(task.tuning.trials):
        trial = None if number == 0 else search.ask()
        parameters = task.defaults if trial is None else _draw(trial, task)
        found = _found(task, parameters)
        run += found is None
        try:
            value = _run(task, parameters) if found is None else found
        except InputError as error:  # a network that diverges loses; the next trial may not
            refused = error
            if trial is not None:
                search.tell(trial, state=TrialState.FAIL)
            continue
        reached.append((value, parameters))
        if trial is not None:
            search.tell(trial, value)
    if refused is not None and not reached:
        raise refused
    pick = max if up else min
    return Chosen(pick(reached, key=lambda pair: pair[0])[1], run)


def validation_figure(job: Job, selection: Selection) -> float:
    """Train on the training rows and give the best epoch's figure on the validation rows.

    Returns:
        ``selection.monitor``.

    Raises:
        InputError: whatever the stage refuses, a network that diverges among it.
    """
    mode = "max" if selection.monitor.endswith("auc") else "min"
    stop = EarlyStopping(selection.monitor, mode=mode, patience=selection.patience)
    with quiet():
        seed_everything(job.seed, workers=True, verbose=False)
        module, data, arguments = instantiate(job)
        trainer = make_trainer({**arguments, "enable_checkpointing": False}, [stop], [])
        trainer.fit(module, datamodule=data)
    return float(stop.best_score)


def _draw(trial: optuna.Trial, task: Task) -> Parameters:
    tuning = task.tuning
    return {
        "lr": trial.suggest_float("lr", *tuning.lr, log=True),
        "l2": trial.suggest_float("l2", *tuning.l2, log=True),
    }


def _found(task: Task, parameters: Parameters) -> float | None:
    """What an earlier search reached with these hyper-parameters."""
    job = task.job(0, parameters)
    file = task.place.root / TRIALS / f"{job.key}.json"
    return float(json.loads(file.read_text(encoding="utf-8"))["value"]) if file.is_file() else None


def _run(task: Task, parameters: Parameters) -> float:
    job = task.job(0, parameters)
    selection = task.experiment.settings.selection
    value = validation_figure(job, selection)
    file = task.place.root / TRIALS / f"{job.key}.json"
    with write_errors(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_text(
            file, json.dumps({"row": task.label, selection.monitor: value, "value": value, **parameters})
        )
    return value
