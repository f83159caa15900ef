"""The workers of a bulk inference as a Ray Data pipeline: part numbers in, what became of them out.

Every actor holds the LM for as long as the pipeline runs. Events and codes do not travel through Ray: a part
is read and written by the worker that infers it, so that what is written survives whatever happens to Ray.
Where RAY_ADDRESS names a cluster it is used, otherwise this machine is.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from userip_lightning.bulk.worker import Job, PartDone, Worker
from userip_lightning.errors import InputError
from userip_lightning.progress_bars import Bars

#: Times that a part is begun in one run: Ray replaces a worker that dies, and would do so forever.
ATTEMPTS = 3
_FAILED = "failed"


class _Actor:
    """A worker as Ray Data calls it; input that cannot be used comes back as a sentence, not as a crash."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.worker: Worker | None = None  # loaded within an attempt: the LM is what needs the memory

    def __call__(self, batch: dict[str, NDArray[np.generic]]) -> dict[str, NDArray[np.generic]]:
        part = int(batch["part"][0])
        outcome, failed = PartDone(part, 0, 0, 0), ""
        try:
            self.job.store.begin(part, ATTEMPTS)
            self.worker = self.worker or Worker(self.job)
            with Bars(Console(quiet=True)):  # the process that waits for all parts shows them
                outcome = self.worker.infer(part)
        except InputError as error:
            failed = str(error)
        columns = {name: np.array([value]) for name, value in outcome._asdict().items()}
        return {**columns, _FAILED: np.array([failed])}


def infer_on_ray(job: Job, parts: Sequence[int], workers: int) -> Iterator[PartDone]:
    """Infer parts in ``workers`` processes, in any order.

    Raises:
        InputError: a worker refuses its input, a part's workers keep dying, or Ray is missing or fails.
    """
    ray = import_ray()
    started = not ray.is_initialized()
    if started:
        ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        for row in _pipeline(ray, job, parts, workers).iter_rows():
            if row[_FAILED]:
                raise InputError(row[_FAILED])
            yield PartDone(**{name: int(row[name]) for name in PartDone._fields})
    except ray.exceptions.RayError as error:
        if isinstance(error, ray.exceptions.RayTaskError):  # the program is wrong, and a traceback is due
            raise
        lines = re.sub(r"\x1b\[[\d;]*m", "", str(error)).strip().splitlines()
        reason = " ... ".join(dict.fromkeys((lines[0], lines[-1].strip())))
        raise InputError(
            f"{job.output}: Ray failed ({reason}); what was finished is kept, the same command goes on."
        ) from error
    finally:
        if started:
            ray.shutdown()


def import_ray() -> ModuleType:
    """The module ray, with ray.data.

    Raises:
        InputError: it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would report the run to its makers
    os.environ.setdefault(
        "RAY_BACKEND_LOG_LEVEL", "fatal"
    )  # it warns of the restarts that Ray Data itself asks for
    try:
        import ray
        import ray.data
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] not in ("ray", "pyarrow", "pandas"):
            raise
        raise InputError(
            "--workers: several workers need the package ray, which is not installed; run pip install "
            "'userip-lightning[ray]', or set --workers to 1."
        ) from None
    found: ModuleType = ray
    return found


def _pipeline(ray: ModuleType, job: Job, parts: Sequence[int], workers: int) -> Any:
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    workers = min(workers, len(parts))
    cpus, gpus = _shares(ray, workers)
    numbers = ray.data.from_items([{"part": part} for part in parts], override_num_blocks=len(parts))
    return numbers.map_batches(
        _Actor,
        fn_constructor_args=(job,),
        batch_size=1,
        batch_format="numpy",
        compute=ray.data.ActorPoolStrategy(size=workers, max_tasks_in_flight_per_actor=1),
        num_cpus=cpus,
        num_gpus=0 if job.recipe.accelerator == "cpu" else gpus,
    )


def _shares(ray: ModuleType, workers: int) -> tuple[float, float]:
    """CPUs and GPUs of a worker; whole CPUs where there are enough, and no more than a machine has."""
    machines = [machine["Resources"].get("CPU", 0) for machine in ray.nodes() if machine["Alive"]]
    cpus = min(sum(machines) / workers, min(count for count in machines if count))
    gpus = ray.cluster_resources().get("GPU", 0)
    return float(cpus if cpus < 1 else cpus // 1), min(1.0, gpus / workers)
