"""Target tokens per second of stage 1 on MovieLens-100K, and where a step's time goes."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from engine_data import Corpus
from engine_run import fit
from matrix_rate import floor_flops, matrix_rate
from numpy.typing import NDArray
from plain_loop import BATCH, PlainLoop
from rich.table import Table
from stopwatch import now
from where_time_goes import KINDS, shares

from userip_lightning.assets import resolve_lm
from userip_lightning.lm.prompt import DEFAULT_PROMPT
from userip_lightning.lm.source import LMSource
from userip_lightning.profile.datamodule import ProfileDataModule
from userip_lightning.profile.module import ProfileModule

ENGINE_BATCH = 16  # users, its default


class Run(NamedTuple):
    """One pass over the users."""

    seconds: float
    targets: int
    places: int  #  tokens of all prompts that pass through the model, without padding
    padding: int

    @property
    def rate(self) -> float:
        """Target tokens per second."""
        return self.targets / self.seconds


class Contender(NamedTuple):
    """A way to train, and the model it multiplies."""

    name: str
    train: Callable[[], Run]
    model: torch.nn.Module


def contenders(corpus: Corpus, lm: LMSource, users: int, folder: Path) -> list[Contender]:
    """Engine, plain loop in the engine's dtype, plain loop as it is loaded; all train the same users.

    The engine picks them, because it trains users of like lengths together: those of its first batches.
    """
    module = ProfileModule(lm)
    # film 267 has no title
    data = ProfileDataModule(str(corpus.prepared), batch_size=ENGINE_BATCH, allow_missing_text=True)
    batches = -(-users // ENGINE_BATCH)
    trained = np.concatenate(fit(module, data, folder, batches=batches).users)
    table = torch.as_tensor(module.all_vectors())
    backbone = module._likelihood.backbone

    def engine() -> Run:
        clock = fit(module, data, folder, batches=batches)
        soft = DEFAULT_PROMPT.soft_tokens * len(DEFAULT_PROMPT.profiles) * len(trained)
        return Run(clock.seconds, clock.targets, clock.places + soft, clock.padding)

    found = [Contender(f"engine, {_short(backbone.dtype)}", engine, backbone.model)]
    for dtype in (backbone.dtype, None):
        loop = PlainLoop(
            str(resolve_lm(lm.name)),
            dtype,
            DEFAULT_PROMPT,
            corpus.training,
            table.clone(),
            behaviours=data.behaviours,
        )
        name = f"plain loop, {_short(loop.model.dtype)}" + (", as loaded" if dtype is None else "")
        found.append(Contender(name, partial(_plain, loop, trained), loop.model))
    return found


def _plain(loop: PlainLoop, users: NDArray[np.int64]) -> Run:
    loop.tokens = loop.padding = loop.places = 0
    start = now()
    loop.epoch(users)
    return Run(now() - start, loop.tokens, loop.places - loop.padding, loop.padding)


def speed_tables(corpus: Corpus, lm: LMSource, users: int, rounds: int, folder: Path) -> list[Table]:
    """Throughput beside the arithmetic floor, and shares of a step by kind of work."""
    ways = contenders(corpus, lm, users, folder)
    runs: list[list[Run]] = [[] for _ in ways]
    rates = [0.0] * len(ways)
    for turn in range(rounds + 1):
        for at, way in enumerate(ways):
            rates[at] = max(rates[at], matrix_rate(way.model, places=64 * BATCH))
            run = way.train()
            if turn:  # the first turn warms up
                runs[at].append(run)
    return [_throughput(ways, runs, rates, users), _profile(ways)]


def _throughput(ways: list[Contender], runs: list[list[Run]], rates: list[float], users: int) -> Table:
    title = f"{users} users of MovieLens-100K, {torch.get_num_threads()} threads, {len(runs[0])} rounds"
    columns = ("", "target tokens/s", "engine is", "in each round", "padding", "GFLOP/s", "floor / time")
    table = Table(*columns, title=title)
    for way, own, rate in zip(ways, runs, rates, strict=True):
        speed = statistics.median(run.rate for run in own)
        ratios = [ours.rate / run.rate for ours, run in zip(runs[0], own, strict=True)]
        # the same prompts for all: the plain loop's count, which leaves out nothing but padding
        floor = floor_flops(way.model, runs[1][0].places, runs[1][0].targets) / runs[1][0].targets / rate
        each = ", ".join(f"{ratio:.2f}" for ratio in ratios)
        padding = own[0].padding / (own[0].places + own[0].padding)
        row = (
            f"{speed:.1f}",
            f"{statistics.median(ratios):.2f}x",
            each,
            f"{padding:.1%}",
            f"{rate / 1e9:.0f}",
        )
        table.add_row(way.name, *row, f"{floor * speed:.0%}")
    return table


def _profile(ways: list[Contender]) -> Table:
    table = Table("share of the time in", *KINDS)
    for way in ways:
        vocabulary = int(way.model.config.vocab_size)
        spent = shares(way.train, vocabulary)
        table.add_row(way.name, *(f"{spent[kind]:.0%}" for kind in KINDS))
    return table


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
