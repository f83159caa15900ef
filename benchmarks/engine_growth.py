"""Step time and resident memory as users grow: the engine in `streaming`, the plain loop with its table.

Users are synthetic, their texts are not: user u has the films of user u mod 943 of MovieLens-100K. Every size
has a process of its own (this file, run as a script), so that its memory is its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import psutil
import torch
from engine_data import training_histories
from engine_run import dtype_of, fit
from many_users import repeat
from plain_loop import BATCH, PlainLoop
from rich.table import Table
from stopwatch import now
from transformers import AutoConfig

from userip_lightning.assets import resolve_lm
from userip_lightning.lm.prompt import DEFAULT_PROMPT
from userip_lightning.lm.source import LMSource
from userip_lightning.pipeline.quiet import quiet
from userip_lightning.profile.datamodule import ProfileDataModule
from userip_lightning.profile.module import ProfileModule

Loop = Literal["engine", "plain"]

#: Tables that AdamW needs at once: values, gradient, two moments; and two more while it divides.
TABLES, PASSING = 4, 2
BLOCK = 64  # users


class Cost(NamedTuple):
    """What a step costs once the first is over."""

    seconds: float  # mean, per user
    resident: int  #  bytes at the end
    peak: int  #      bytes at most, while data were opened and the model was loaded, too


def growth_table(prepared: Path, sizes: Sequence[int], lm: LMSource, steps: int) -> Table:
    """Both loops at every size; ``prepared`` is MovieLens-100K."""
    title = "milliseconds per user and step; resident memory at the end (at most)"
    table = Table("users", "engine, streaming", "", "plain loop", "", title=title)
    for users in sizes:
        many = repeat(prepared, lm, users)
        engine = _measure("engine", many, users, lm, steps)
        plain = _measure("plain", prepared, users, lm, steps)
        table.add_row(f"{users:,}", *_cells(engine), *_cells(plain))
    return table


def _cells(cost: Cost | str) -> tuple[str, str]:
    if isinstance(cost, str):
        return cost, ""
    return f"{cost.seconds * 1e3:.1f}", f"{cost.resident / 1e9:.2f} GB ({cost.peak / 1e9:.2f})"


def _measure(loop: Loop, prepared: Path, users: int, lm: LMSource, steps: int) -> Cost | str:
    """The cost, or why there is none."""
    row = 4 * int(np.prod(_shape(lm)))
    if loop == "plain" and users * row * (TABLES + PASSING) > psutil.virtual_memory().available:
        return f"does not fit: {users * row * TABLES / 1e9:,.0f} GB"
    data = ("--prepared", prepared, "--users", users, "--lm", lm.name)
    given = ("--loop", loop, *data, "--steps", steps, "--threads", torch.get_num_threads())
    command = [sys.executable, __file__, *map(str, given)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Cost(*json.loads(done.stdout.splitlines()[-1]))


def _shape(lm: LMSource) -> tuple[int, int, int]:
    """(P, S, D)."""
    width = AutoConfig.from_pretrained(resolve_lm(lm.name)).hidden_size
    return len(DEFAULT_PROMPT.profiles), DEFAULT_PROMPT.soft_tokens, width


def plain_cost(users: int, lm: LMSource, steps: int, prepared: Path) -> Cost:
    """Steps of the plain loop."""
    histories = training_histories(prepared, DEFAULT_PROMPT)
    start = torch.randn(users, *_shape(lm)).mul_(0.1)
    loop = PlainLoop(str(resolve_lm(lm.name)), dtype_of(lm), DEFAULT_PROMPT, histories, start)
    batches = np.random.default_rng(0).permutation(1000)[: BATCH * (steps + 1)].reshape(-1, BATCH)
    ended = []
    for batch in batches:
        loop.step(batch)
        ended.append(now())
    return _cost((ended[-1] - ended[0]) / (BATCH * steps))


def engine_cost(users: int, lm: LMSource, steps: int, prepared: Path) -> Cost:
    """Steps of the engine in `streaming`, a shard after every fourth."""
    module = ProfileModule(lm, schedule="streaming")
    data = ProfileDataModule(str(prepared), block_size=BLOCK, allow_missing_text=True)
    with tempfile.TemporaryDirectory() as folder:
        clock = fit(module, data, Path(folder), batches=steps + 1)
        return _cost((clock.ended[-1] - clock.ended[1]) / sum(map(len, clock.users[1:])))


def _cost(seconds: float) -> Cost:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Cost(seconds, psutil.Process().memory_info().rss, peak)


def main() -> None:
    """One loop at one size; prints its cost as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loop", required=True, choices=["engine", "plain"])
    parser.add_argument("--users", type=int, required=True)
    parser.add_argument("--lm", required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--prepared", type=Path, required=True)
    parser.add_argument("--threads", type=int, required=True)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    cost = engine_cost if given.loop == "engine" else plain_cost
    with quiet():
        print(json.dumps(cost(given.users, LMSource(given.lm), given.steps, given.prepared)))


if __name__ == "__main__":
    main()
