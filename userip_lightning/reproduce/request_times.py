"""Seconds per request of several servers, measured so that other work on the machine hits all alike.

In every round all servers answer the same new request, each round in another order, and the processor time of
this process counts, in one thread. The first round warms up.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

#: Ids of users and of items, one item per user.
Request = tuple[list[str], list[str]]
_REPLICATES = 2000


class Times(NamedTuple):
    """What the rounds of one server say.

    Args:
        median: seconds per request.
        low: first quartile.
        high: third quartile.
        ratio: of the median to that of the first server.
        ratio_low: lower bound of a 95 % bootstrap interval over rounds.
        ratio_high: its upper bound.
    """

    median: float
    low: float
    high: float
    ratio: float
    ratio_low: float
    ratio_high: float


def measure(
    servers: Mapping[str, Callable[[list[str], list[str]], object]],
    draw: Callable[[np.random.Generator], Request],
    rounds: int,
    seed: int = 0,
) -> dict[str, Times]:
    """Times of every server; ratios are to the first one.

    Args:
        servers: name to what answers a request.
        draw: makes a request.
        rounds: that count.
        seed: of the requests, and of the intervals.
    """
    rng = np.random.default_rng(seed)
    names = list(servers)
    taken = np.empty((rounds + 1, len(names)))
    threads = torch.get_num_threads()
    collecting = gc.isenabled()
    torch.set_num_threads(1)
    gc.disable()  # whoever it interrupts would look slow
    try:
        for turn in range(rounds + 1):
            request = draw(rng)
            for at in np.roll(np.arange(len(names)), turn):
                started = time.process_time()
                servers[names[at]](*request)
                taken[turn, at] = time.process_time() - started
    finally:
        torch.set_num_threads(threads)
        if collecting:
            gc.enable()
    return dict(zip(names, summarise(taken[1:], rng), strict=True))


def summarise(taken: NDArray[np.float64], rng: np.random.Generator) -> list[Times]:
    """[rounds, servers] seconds → a summary per server."""
    rounds, servers = taken.shape
    drawn = np.median(taken[rng.integers(rounds, size=(_REPLICATES, rounds))], axis=1)
    ratios = drawn / drawn[:, :1]
    medians = np.median(taken, axis=0)
    found = []
    for at in range(servers):
        low, high = np.quantile(taken[:, at], [0.25, 0.75])
        bounds = np.quantile(ratios[:, at], [0.025, 0.975])
        found.append(
            Times(*map(float, (medians[at], low, high, medians[at] / medians[0], bounds[0], bounds[1])))
        )
    return found
