"""Processes of this machine that find each other as ranks, forked from a server that knows torch."""

import os
import socket
from collections.abc import Callable
from typing import Any

import torch

from tests.server import SERVER


def together(work: Callable[..., None], *args: Any, ranks: int = 2) -> None:
    """Run ``work(*args)`` on every rank, in the environment that Lightning reads; all must succeed.

    Args:
        work: a function that can be pickled.
        args: what it is given.
        ranks: number of processes.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = [SERVER.Process(target=_rank, args=(rank, ranks, port, work, args)) for rank in range(ranks)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(100)
    codes = [process.exitcode for process in processes]
    for process in processes:
        process.kill()
    assert codes == [0] * ranks


def _rank(rank: int, ranks: int, port: int, work: Callable[..., None], args: tuple[Any, ...]) -> None:
    torch.set_num_threads(1)
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "NODE_RANK": "0"}
    os.environ |= {"LOCAL_RANK": str(rank), "RANK": str(rank), "WORLD_SIZE": str(ranks)}
    work(*args)
