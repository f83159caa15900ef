"""Seconds per request of several servers, measured so that other work on the machine hits all alike.

In every round all servers answer the same new request, in an order drawn for the round, so that each comes
after each of the others. The processor time of the calling thread counts. The first round warms up.
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
        ratio: of the median to that of the reference; None without one.
        ratio_low: lower bound of a 95 % bootstrap interval over rounds.
        ratio_high: its upper bound.
    """

    median: float
    low: float
    high: float
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None


def measure(
    servers: Mapping[str, Callable[[list[str], list[str]], object]],
    draw: Callable[[np.random.Generator], Request],
    rounds: int,
    reference: str | None,
    seed: int = 0,
) -> dict[str, Times]:
    """Times of every server.

    Args:
        servers: name to what answers a request.
        draw: makes a request.
        rounds: that count.
        reference: the server that ratios are to; None for no ratios.
        seed: of the requests, of the order of servers, and of the intervals.
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
            for at in rng.permutation(len(names)):
                started = time.thread_time()
                servers[names[at]](*request)
                taken[turn, at] = time.thread_time() - started
    finally:
        torch.set_num_threads(threads)
        if collecting:
            gc.enable()
    base = None if reference is None else names.index(reference)
    return dict(zip(names, summarise(taken[1:], base, rng), strict=True))


def summarise(taken: NDArray[np.float64], base: int | None, rng: np.random.Generator) -> list[Times]:
    """[rounds, servers] seconds → a summary per server; ratios are to the server at ``base``."""
    rounds, servers = taken.shape
    drawn = np.median(taken[rng.integers(rounds, size=(_REPLICATES, rounds))], axis=1)
    medians = np.median(taken, axis=0)
    found = []
    for at in range(servers):
        low, high = np.quantile(taken[:, at], [0.25, 0.75])
        ratio: tuple[float | None, ...] = (None, None, None)
        if base is not None:
            bounds = np.quantile(drawn[:, at] / drawn[:, base], [0.025, 0.975])
            ratio = (float(medians[at] / medians[base]), *map(float, bounds))
        found.append(Times(float(medians[at]), float(low), float(high), *ratio))
    return found
