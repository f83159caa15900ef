"""Are soft tokens of the fast engine as good as the plain loop's after as many target tokens?

Engine and loop start from the same z and train the same users for the same epochs, each at the learning rate
that serves it best on validation. The judge has float32 weights and both kinds of body. The engine trains
twice: with the loop's body (titles together), and with its own default, titles that do not see each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from engine_data import Corpus
from engine_run import dtype_of, fit
from held_out_scorer import Scoring, held_out_nats, interval
from numpy.typing import NDArray
from plain_loop import PlainLoop
from rich.table import Table
from torch.optim import Adam

from userip_lightning.assets import resolve_lm
from userip_lightning.lm.prompt import DEFAULT_PROMPT, PromptTemplate
from userip_lightning.lm.source import LMSource
from userip_lightning.profile.datamodule import ProfileDataModule
from userip_lightning.profile.module import ProfileModule

SCORINGS: tuple[Scoring, ...] = ("apart", "together")
APART, TOGETHER = DEFAULT_PROMPT, replace(DEFAULT_PROMPT, independent=False)


class Trained(NamedTuple):
    """Soft tokens after training."""

    z: torch.Tensor  # [U, P, S, D]
    targets: int  #    target tokens seen
    rate: float


class Trainers:
    """Ways to train the users of a corpus for as many epochs."""

    def __init__(self, corpus: Corpus, lm: LMSource, epochs: int, folder: Path) -> None:
        self.corpus, self.lm, self.epochs, self.folder = corpus, lm, epochs, folder
        self.start = self.engine(APART, rate=0.0, epochs=0).z

    def engine(self, prompt: PromptTemplate, rate: float, epochs: int | None = None) -> Trained:
        """ProfileModule with Adam, all else as it is by default."""
        module = ProfileModule(self.lm, prompt, optimizer=partial(Adam, lr=rate))
        data = ProfileDataModule(str(self.corpus.prepared), allow_missing_text=True)
        clock = fit(module, data, self.folder, self.epochs if epochs is None else epochs)
        return Trained(torch.tensor(module.all_vectors()), clock.targets, rate)

    def plain(self, rate: float) -> Trained:
        """The plain loop in the engine's dtype."""
        loop = self.loop(dtype_of(self.lm), rate)
        for _ in range(self.epochs):
            loop.epoch(np.arange(len(self.start)))
        return Trained(loop.z.detach(), loop.tokens, rate)

    def loop(self, dtype: torch.dtype, rate: float = 0.0) -> PlainLoop:
        """An untrained plain loop."""
        name, prompt, histories = str(resolve_lm(self.lm.name)), TOGETHER, self.corpus.training
        return PlainLoop(name, dtype, prompt, histories, self.start.clone(), rate)


def quality_table(corpus: Corpus, lm: LMSource, epochs: int, rates: Sequence[float], folder: Path) -> Table:
    """Test nats per token of every way to train, and the difference to the plain loop."""
    trainers = Trainers(corpus, lm, epochs, folder)
    judge = trainers.loop(torch.float32)
    ways = {
        "plain loop": trainers.plain,
        "engine, titles together": partial(trainers.engine, TOGETHER),
        "engine, titles apart (default)": partial(trainers.engine, APART),
    }
    chosen = {"start": Trained(trainers.start, 0, 0.0)}
    for way, train in ways.items():
        tried = [train(rate=rate) for rate in rates]
        chosen[way] = min(tried, key=lambda one: np.nanmean(held_out_nats(judge, one.z, corpus.val, "apart")))
    nats = {
        (way, scoring): held_out_nats(judge, one.z, corpus.test, scoring)
        for way, one in chosen.items()
        for scoring in SCORINGS
    }
    columns = [f"{what} {scoring}" for scoring in SCORINGS for what in ("judged", "minus plain,")]
    title = f"{len(trainers.start)} users, {epochs} epochs, nats per held-out token [95 % over users]"
    table = Table("trained by", "rate", "target tokens", *columns, title=title)
    for way, one in chosen.items():
        cells = [_cells(nats[way, scoring], nats["plain loop", scoring]) for scoring in SCORINGS]
        table.add_row(way, f"{one.rate:g}", f"{one.targets:,}", *(cell for pair in cells for cell in pair))
    return table


def _cells(own: NDArray[np.float64], plain: NDArray[np.float64]) -> tuple[str, str]:
    difference, low, high = interval(own - plain)
    return f"{np.nanmean(own):.4f}", f"{difference:+.4f} [{low:+.4f}, {high:+.4f}]"
