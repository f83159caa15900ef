"""Starting or joining the processes that the Trainers of a command ask for.

On one machine the command starts the others itself. Under torchrun, Slurm and their like all are there.
Without a launcher the command is given on each machine, with NODE_RANK, MASTER_ADDR and MASTER_PORT set.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta

import torch
from torch import distributed
from torch.distributed import TCPStore  # type: ignore[attr-defined]  # documented, not declared
from torch.distributed.distributed_c10d import PrefixStore, Store

from userip_lightning.errors import InputError
from userip_lightning.pipeline.children import END, FAIL, Children, end_with_parent
from userip_lightning.pipeline.process_group import PERIOD, World
from userip_lightning.pipeline.process_layout import Layout, layout_of

#: How long processes wait for each other at the start.
JOIN = timedelta(minutes=10)
#: What Lightning or this module sets in the environment.
_SET = ("MASTER_ADDR", "MASTER_PORT", "NODE_RANK", "LOCAL_RANK", "WORLD_SIZE", "OMP_NUM_THREADS")
_RESUMES = "what was finished is kept, and the same command resumes"


@contextmanager
def processes(words: Sequence[str], trainers: Sequence[Mapping[str, object]]) -> Iterator[World]:
    """Have as many processes as the Trainers ask for, until the block ends.

    Args:
        words: the command line after `userip`, for processes that have to be started.
        trainers: arguments of the Trainers in the block.

    Raises:
        InputError: the Trainers do not agree on a number, it is not that of the launcher, the processes do
            not find each other, or one of them died.
        KeyboardInterrupt: one of them was interrupted.
    """
    layout = layout_of(trainers)
    if layout is None:
        yield World()
        return
    before = dict(os.environ)
    threads = torch.get_num_threads()
    try:
        with _joined(words, layout) as world:
            yield world
    finally:
        torch.set_num_threads(threads)  # Lightning shares out the cores among the processes
        for name in _SET:
            os.environ.pop(name, None)
            if name in before:
                os.environ[name] = before[name]


@contextmanager
def _joined(words: Sequence[str], layout: Layout) -> Iterator[World]:
    """All processes in one world, and in the end none but this one."""
    children: Children | None = None
    patience_s = 0.0
    try:
        store = _store(layout)
        if layout.external:
            end_with_parent()
        else:
            children = _start(words, layout, store)
        _meet(layout, store, children)
        world = World(layout.rank, layout.size, PrefixStore("world", store), layout.backend)
        yield world
        world.leave(END)
        patience_s = END
    except BaseException as error:
        explained = _explained(error, children)
        if explained is error:
            raise
        raise explained from error
    finally:
        # Who waits for this process has to learn that it is gone; NCCL would itself wait for the dead.
        if distributed.is_initialized() and (patience_s or layout.backend == "gloo"):
            distributed.destroy_process_group()
        if children is not None:
            children.end(patience_s)


def _store(layout: Layout) -> Store:
    """Where the processes leave word for each other: at the launcher's, or at the first process."""
    host, port = layout.address
    agent = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    try:
        store = TCPStore(
            host, port, is_master=layout.rank == 0 and not agent, timeout=JOIN, wait_for_workers=False
        )
    except distributed.DistError as error:
        raise InputError(
            f"{host}:{port}: process {layout.rank} does not meet the others there ({_line(error)}); check "
            "MASTER_ADDR and MASTER_PORT, and that the first process was started."
        ) from error
    if layout.rank == 0:
        os.environ |= {"MASTER_ADDR": host, "MASTER_PORT": str(store.port)}
    return PrefixStore(f"userip/{os.environ.get('TORCHELASTIC_RESTART_COUNT', 0)}", store)


def _start(words: Sequence[str], layout: Layout, store: Store) -> Children:
    """Start this machine's other processes; from here on Lightning takes all of them for started."""
    os.environ.setdefault("NODE_RANK", "0")
    os.environ |= {"LOCAL_RANK": "0", "WORLD_SIZE": str(layout.size)}
    return Children(
        words, {layout.rank + local: {"LOCAL_RANK": str(local)} for local in range(1, layout.devices)}
    )


def _meet(layout: Layout, store: Store, children: Children | None) -> None:
    """Wait until all processes are there."""
    store.add("joined", 1)
    end = time.monotonic() + JOIN.total_seconds()
    while (joined := store.add("joined", 0)) < layout.size:
        failure = children.failure() if children is not None else None
        if failure is not None:
            raise InputError(f"{failure}, before the others met it; run the command again.")
        if time.monotonic() > end:
            raise InputError(
                f"trainer.num_nodes: {joined} of {layout.size} processes came within {JOIN}; start the same "
                "command on every machine."
            )
        time.sleep(PERIOD)


def _explained(error: BaseException, children: Children | None) -> BaseException:
    """What to raise: a broken connection says that another process ended, and not why."""
    broken = any(map(_is_connection, _chain(error)))
    interrupted = isinstance(error, (KeyboardInterrupt, SystemExit))
    if isinstance(error, InputError) or not (broken or interrupted):
        return error
    failure = None
    if children is not None and (broken or children.ended_by_us):
        failure = children.failure(FAIL)
    if failure is not None:
        return KeyboardInterrupt() if failure.interrupted else InputError(f"{failure}; {_RESUMES}.")
    if broken and not interrupted:
        return InputError(f"another process ended, its own output says why; {_RESUMES}.")
    return error


def _is_connection(error: BaseException) -> bool:
    return isinstance(error, distributed.DistError) or (
        isinstance(error, RuntimeError) and "gloo" in str(error)
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".")
