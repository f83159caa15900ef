"""How many processes the Trainers of a command ask for, and where they find each other."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from lightning.pytorch import Trainer
from lightning.pytorch.strategies import DDPStrategy
from torch import distributed

from userip_lightning.errors import InputError
from userip_lightning.pipeline.quiet import quiet


class Layout(NamedTuple):
    """The processes of a run, as this one sees them.

    Args:
        devices: processes per machine.
        size: processes on all machines.
        rank: number of this one.
        address: host and port where they find each other; port 0 where it may be any.
        external: whether a launcher has started all of them.
        backend: what tensors travel by.
    """

    devices: int
    size: int
    rank: int
    address: tuple[str, int]
    external: bool
    backend: str


def process_count(trainer: Mapping[str, Any]) -> int:
    """How many processes a Trainer with these arguments has."""
    probe = _probe(trainer)
    return int(probe.num_devices * probe.num_nodes)


def layout_of(trainers: Sequence[Mapping[str, object]]) -> Layout | None:
    """Where Trainers with these arguments run; None where one process is enough.

    Raises:
        InputError: they do not agree on a number of processes, it is not what a launcher has started, or
            their strategy cannot share out the stages.
    """
    if not trainers:  # --stages prepare, report: nothing is trained
        return None
    probes = [_probe(trainer) for trainer in trainers]
    counts = sorted({int(probe.num_devices * probe.num_nodes) for probe in probes})
    several = [probe for probe in probes if probe.num_devices * probe.num_nodes > 1]
    started = int(os.environ.get("WORLD_SIZE", 1)) if distributed.is_torchelastic_launched() else 1
    if len(counts) > 2 or (len(counts) == 2 and counts[0] > 1):
        raise InputError(
            f"trainer.devices: the stages ask for {' and '.join(map(str, counts))} processes; give them the "
            "same number of devices and nodes, or one."
        )
    if started not in (1, counts[-1]):
        raise InputError(
            f"trainer.devices: torchrun has started {started} processes, the stages ask for {counts[-1]}; "
            "set trainer.devices and trainer.num_nodes to what was started."
        )
    return _checked(several[0]) if several else None


def _checked(probe: Trainer) -> Layout:
    strategy = probe.strategy
    if not isinstance(strategy, DDPStrategy) or strategy._start_method != "popen":
        raise InputError(
            f"trainer.strategy: {type(strategy).__name__} cannot share out the stages; set it to ddp or auto."
        )
    cluster = strategy.cluster_environment
    assert cluster is not None  # DDP has one
    alone = probe.num_nodes == 1 and not cluster.creates_processes_externally
    if probe.num_nodes > 1 and not cluster.creates_processes_externally and "MASTER_PORT" not in os.environ:
        raise InputError(
            f"trainer.num_nodes: {probe.num_nodes} machines asked for; start the command with torchrun, or "
            "on each of them with NODE_RANK, MASTER_ADDR and MASTER_PORT set."
        )
    return Layout(
        devices=probe.num_devices,
        size=probe.num_devices * probe.num_nodes,
        rank=probe.global_rank,
        address=(cluster.main_address, 0 if alone else cluster.main_port),
        external=cluster.creates_processes_externally,
        backend="nccl" if strategy.root_device.type == "cuda" else "gloo",
    )


def _probe(trainer: Mapping[str, Any]) -> Trainer:
    """A Trainer that says on what it would run."""
    names = ("accelerator", "devices", "num_nodes", "strategy")
    given = {name: trainer[name] for name in names if isinstance(trainer.get(name), (str, int, list))}
    try:
        with quiet():
            return Trainer(**given, barebones=True)
    except (TypeError, ValueError) as error:  # Lightning's own exception for the rest is told as it is
        reason = " ".join(str(error).split()).rstrip(".")
        raise InputError(
            f"trainer: {reason}; correct accelerator, devices, num_nodes or strategy."
        ) from error
