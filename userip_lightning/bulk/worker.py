"""One worker of a bulk inference: holds the LM and turns parts of the population into parts of the result."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from userip_lightning.bulk.inference import ProfileInference
from userip_lightning.bulk.part_store import PartStore
from userip_lightning.bulk.population import read_part
from userip_lightning.bulk.prompt_items import Catalogue
from userip_lightning.bulk.recipe import Recipe
from userip_lightning.serving.profiler import BEHAVIOURS

CATALOGUE, POPULATION = "catalogue", "population"


class Job(NamedTuple):
    """What a worker has to know; it may be on another machine that sees the same folders.

    Args:
        recipe: settings of stage 1.
        bank: folder of the bank's version.
        output: folder of the inference, with the catalogue and the dealt events in its ``work``.
    """

    recipe: Recipe
    bank: Path
    output: Path

    @property
    def store(self) -> PartStore:
        """The folder of the inference."""
        return PartStore(self.output)


class PartDone(NamedTuple):
    """A part whose codes are on disk."""

    part: int
    users: int
    silent: int  #  users without a known behaviour
    stuck: int  #   users whose likelihood was not finite in some step


class Worker:
    """Infers one part after another.

    Args:
        job: which inference.

    Raises:
        InputError: see :class:`ProfileInference`.
    """

    def __init__(self, job: Job) -> None:
        self.store = job.store
        self.inference = ProfileInference(job.recipe, Catalogue.load(self.store.work / CATALOGUE), job.bank)

    def infer(self, part: int) -> PartDone:
        """Infer the users of a part and write their codes.

        Raises:
            InputError: a prompt could outgrow the LM's context, or the disk is full.
        """
        codes, stuck = self.inference.infer(read_part(self.store.work / POPULATION, part))
        self.store.write(part, codes)
        self.store.end(part)
        return PartDone(part, codes.height, int((codes[BEHAVIOURS] == 0).sum()), stuck)
