"""What a process needs to train one row, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from userip_lightning.pipeline.config import Experiment
from userip_lightning.pipeline.plan import Job, Place, Source, ctr_job
from userip_lightning.reproduce.settings import Tuning

#: Hyper-parameters that are searched for.
Parameters = Mapping[str, float]


class Task(NamedTuple):
    """One row to be tuned and trained with every seed.

    Args:
        label: the row in words.
        experiment: with the row's network and fields.
        place: where the runs lie, and the data.
        variant: what the network reads besides its fields.
        banks: codes per seed, None for none.
        profiles: continuous profiles per seed, None for none.
        knowledge: what a language model wrote, the same for every seed; None for none.
        tuning: the search for hyper-parameters.
        found_by: labels of the runs in W&B.
    """

    label: str
    experiment: Experiment
    place: Place
    variant: str
    banks: tuple[Source | None, ...]
    profiles: tuple[Source | None, ...]
    knowledge: Source | None
    tuning: Tuning
    found_by: dict[str, str]

    @property
    def defaults(self) -> dict[str, float]:
        """Hyper-parameters as configured.

        Raises:
            KeyError: the optimizer has no learning rate.
        """
        model = self.experiment.sections["ctr"]["model"]
        return {"lr": model["optimizer"]["init_args"]["lr"], "l2": model["l2"]}

    def job(self, index: int, parameters: Parameters) -> Job:
        """The run of the ``index``-th seed with these hyper-parameters."""
        sections = self.experiment.sections
        model = sections["ctr"]["model"]
        optimizer = model["optimizer"]
        tuned = {**optimizer, "init_args": {**optimizer["init_args"], "lr": parameters["lr"]}}
        section = {**sections["ctr"], "model": {**model, "optimizer": tuned, "l2": parameters["l2"]}}
        experiment = self.experiment._replace(sections={**sections, "ctr": section})
        seed = self.experiment.settings.seeds[index]
        read = (self.banks[index], self.profiles[index], self.knowledge)
        return ctr_job(experiment, self.place, self.variant, seed, *read)


class Outcome(NamedTuple):
    """What came of a row.

    Args:
        runs: folders of its ctr artifacts, one per seed, below the study's.
        chosen: hyper-parameters, None where there are none.
        validation_auc: of the first seed with them.
        seconds: training and scoring time of its runs, whenever that was.
        trained: how many runs and trials were not found but made.
        failed: why there are no runs, one sentence.
        not_run: why it was not tried, one sentence.
        note: what a reader has to know about the row, one sentence.
        part: whether it was judged on a stated part of the rows, or with fewer seeds.
        left_out: whether it was not tried because it would show nothing.
    """

    runs: tuple[str, ...] = ()
    chosen: Parameters | None = None
    validation_auc: float | None = None
    seconds: float | None = None
    trained: int = 0
    failed: str | None = None
    not_run: str | None = None
    note: str | None = None
    part: bool = False
    left_out: bool = False

    @property
    def ready(self) -> bool:
        """Whether nothing stands in the way of what comes next."""
        return self.failed is None and self.not_run is None


def relative(target: Path, place: Place) -> str:
    """A run's folder as an entry names it."""
    return target.relative_to(place.root).as_posix()
