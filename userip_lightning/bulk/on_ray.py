"""The workers of a bulk inference as a Ray Data pipeline: part numbers in, what became of them out.

Every actor holds the LM for as long as the pipeline runs. Events and codes do not travel through Ray: a part
is read and written by the worker that infers it, so that what is written survives whatever happens to Ray.
Where RAY_ADDRESS names a cluster it is used, otherwise this machine is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from userip_lightning.bulk.worker import Job, PartDone, Worker
from userip_lightning.errors import InputError

#: Times that a worker may die and be replaced, and that its part is tried again.
RETRIES = 3
_FAILED = "failed"


class _Actor:
    """A worker as Ray Data calls it; input that cannot be used comes back as a sentence, not as a crash."""

    def __init__(self, job: Job) -> None:
        self.failed, self.worker = "", None
        try:
            self.worker = Worker(job)
        except InputError as error:
            self.failed = str(error)

    def __call__(self, batch: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        outcome = PartDone(int(batch["part"][0]), 0, 0, 0)
        try:
            outcome = self.worker.infer(outcome.part) if self.worker is not None else outcome
        except InputError as error:
            self.failed = str(error)
        columns = {name: np.array([value]) for name, value in outcome._asdict().items()}
        return {**columns, _FAILED: np.array([self.failed])}


def infer_on_ray(job: Job, parts: Sequence[int], workers: int) -> Iterator[PartDone]:
    """Infer parts in ``workers`` processes, in any order.

    A worker that dies is replaced, and its part tried again, up to :data:`RETRIES` times.

    Raises:
        InputError: Ray is not installed, a worker refuses its input, or workers keep dying.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would report this run to its makers
    try:
        import ray
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise InputError(
            "several workers need the package ray, which is not installed; run pip install "
            "'userip-lightning[ray]', or set --workers to 1."
        ) from None
    started = not ray.is_initialized()
    if started:
        ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        for row in _pipeline(job, parts, workers).iter_rows():
            if row[_FAILED]:
                raise InputError(row[_FAILED])
            yield PartDone(**{name: int(row[name]) for name in PartDone._fields})
    except ray.exceptions.RayError as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(
            f"{job.output}: workers of Ray died and could not be replaced ({reason}); what they finished is "
            "kept, run the same command with fewer --workers or more memory."
        ) from error
    finally:
        if started:
            ray.shutdown()


def _pipeline(job: Job, parts: Sequence[int], workers: int) -> Any:
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    resources = ray.cluster_resources()
    gpus = min(1.0, resources.get("GPU", 0) / workers)
    numbers = ray.data.from_items([{"part": part} for part in parts], override_num_blocks=len(parts))
    return numbers.map_batches(
        _Actor,
        fn_constructor_args=(job,),
        batch_size=1,
        batch_format="numpy",
        compute=ray.data.ActorPoolStrategy(size=min(workers, len(parts)), max_tasks_in_flight_per_actor=1),
        num_cpus=max(1, int(resources.get("CPU", 1)) // (workers + 1)),
        num_gpus=gpus or None,
        max_restarts=RETRIES,
        max_task_retries=RETRIES,
    )
