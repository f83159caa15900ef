"""Held-out likelihood of soft tokens in float32, by a scorer that shares no code with the engine's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from plain_loop import IGNORED, History, PlainLoop, Text
from torch.nn import functional as F

#: ``together``: the titles of a user in one body, the paper's; ``apart``: every title in a body of its own.
Scoring = Literal["together", "apart"]


def held_out_nats(
    loop: PlainLoop, z: torch.Tensor, held_out: Sequence[History], scoring: Scoring
) -> NDArray[np.float64]:
    """Nats per token of every user's held-out titles under their soft tokens.

    Args:
        loop: brings model, tokenizer and prompt.
        z: [U, P, S, D].
        held_out: of U users.
        scoring: what a title sees besides the prompt.

    Returns:
        [U]; NaN for a user without a held-out title.
    """
    owner: list[int] = []
    texts: list[Text] = []
    for user, history in enumerate(held_out):
        bodies = [history] if scoring == "together" and any(history) else _one_by_one(history)
        owner += [user] * len(bodies)
        texts += [loop.write(body) for body in bodies]
    nats, tokens = np.zeros(len(held_out)), np.zeros(len(held_out))
    for chosen in _batches([len(text.ids) for text in texts]):
        users = np.array([owner[at] for at in chosen])
        batch = loop.pad([texts[at] for at in chosen])
        with torch.no_grad():
            logits = loop.forward(z[torch.from_numpy(users)], batch).logits[:, :-1].float()
        labels = batch.labels[:, 1:]
        loss = F.cross_entropy(logits.transpose(1, 2), labels, ignore_index=IGNORED, reduction="none")
        np.add.at(nats, users, loss.sum(1).double().numpy())
        np.add.at(tokens, users, (labels != IGNORED).sum(1).numpy())
    return np.divide(nats, tokens, out=np.full(len(nats), np.nan), where=tokens > 0)


def interval(difference: NDArray[np.float64], draws: int = 10_000) -> tuple[float, float, float]:
    """Mean over users and its 95 % bootstrap interval."""
    told = difference[~np.isnan(difference)]
    drawn = np.random.default_rng(0).integers(len(told), size=(draws, len(told)))
    low, high = np.quantile(told[drawn].mean(1), [0.025, 0.975])
    return float(told.mean()), float(low), float(high)


def _batches(lengths: list[int], places: int = 1024) -> Iterator[list[int]]:
    """Numbers of texts of like lengths, at most ``places`` with their padding together."""
    batch: list[int] = []
    for at in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[at] > places:
            yield batch
            batch = []
        batch.append(at)
    if batch:
        yield batch


def _one_by_one(history: History) -> list[History]:
    return [History([t], []) for t in history.liked] + [History([], [t]) for t in history.disliked]
