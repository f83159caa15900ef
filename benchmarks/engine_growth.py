"""Step time and resident memory as users grow: the engine in `streaming`, the plain loop with its table.

Users are synthetic, their texts are not: user u has the films of user u mod 943 of MovieLens-100K. Every size
has a process of its own (this file, run as a script), so that its memory is its own.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import psutil
import torch
from engine_data import read
from engine_run import dtype_of
from plain_loop import BATCH, PlainLoop
from rich.table import Table
from transformers import AutoConfig

from userip_lightning.assets import resolve_lm
from userip_lightning.pipeline.quiet import quiet
from userip_lightning.profile.backbone import LMSource
from userip_lightning.profile.prompt import DEFAULT_PROMPT

Loop = Literal["engine", "plain"]

#: Tables that AdamW needs at once: values, gradient, two moments; and two more while it divides.
TABLES, PASSING = 4, 2


class Cost(NamedTuple):
    """What a step costs once the first is over."""

    seconds: float  # median, per user
    resident: int  #  bytes at the end


def growth_table(sizes: Sequence[int], lm: LMSource, steps: int) -> Table:
    """Both loops at every size."""
    title = "milliseconds per user and step, resident memory"
    table = Table("users", "engine, streaming", "", "plain loop", "", title=title)
    for users in sizes:
        engine, plain = _measure("engine", users, lm, steps), _measure("plain", users, lm, steps)
        table.add_row(f"{users:,}", *_cells(engine), *_cells(plain))
    return table


def _cells(cost: Cost | str) -> tuple[str, str]:
    if isinstance(cost, str):
        return cost, ""
    return f"{cost.seconds * 1e3:.1f}", f"{cost.resident / 1e9:.2f} GB"


def _measure(loop: Loop, users: int, lm: LMSource, steps: int) -> Cost | str:
    """The cost, or why there is none."""
    row = 4 * int(np.prod(_shape(lm)))
    if loop == "plain" and users * row * (TABLES + PASSING) > psutil.virtual_memory().available:
        return f"does not fit: {users * row * TABLES / 1e9:,.0f} GB"
    given = ("--loop", loop, "--users", users, "--lm", lm.name, "--steps", steps)
    command = [sys.executable, __file__, *map(str, given), "--threads", str(torch.get_num_threads())]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Cost(*json.loads(done.stdout.splitlines()[-1]))


def _shape(lm: LMSource) -> tuple[int, int, int]:
    """(P, S, D)."""
    width = AutoConfig.from_pretrained(resolve_lm(lm.name)).hidden_size
    return len(DEFAULT_PROMPT.profiles), DEFAULT_PROMPT.soft_tokens, width


def plain_cost(users: int, lm: LMSource, steps: int, folder: Path) -> Cost:
    """Steps of the plain loop over random users."""
    histories = read(folder, DEFAULT_PROMPT, lambda line: None).training
    start = torch.randn(users, *_shape(lm)).mul_(0.1)
    loop = PlainLoop(str(resolve_lm(lm.name)), dtype_of(lm), DEFAULT_PROMPT, histories, start)
    seconds = []
    for _ in range(steps + 1):
        chosen = np.random.default_rng(len(seconds)).integers(users, size=BATCH)
        begun = time.perf_counter()
        loop.step(chosen)
        seconds.append((time.perf_counter() - begun) / BATCH)
    return Cost(statistics.median(seconds[1:]), psutil.Process().memory_info().rss)


def engine_cost(users: int, lm: LMSource, steps: int, folder: Path) -> Cost:
    """Steps of the engine in `streaming`."""
    raise NotImplementedError


def main() -> None:
    """One loop at one size; prints its cost as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loop", required=True, choices=["engine", "plain"])
    parser.add_argument("--users", type=int, required=True)
    parser.add_argument("--lm", required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    cost = engine_cost if given.loop == "engine" else plain_cost
    with tempfile.TemporaryDirectory() as folder, quiet():
        print(json.dumps(cost(given.users, LMSource(given.lm), given.steps, Path(folder))))


if __name__ == "__main__":
    main()
