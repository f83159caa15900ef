"""Scores of rows, gathered over a whole epoch, and what they are worth.

AUC and Logloss are computed from all rows at once, in float32 probabilities: a metric that is averaged over
batches is another number, and torchmetrics decides batch by batch whether its input needs a sigmoid.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from torchmetrics.functional.classification import binary_auroc

from userip_lightning.errors import InputError


class Scored(NamedTuple):
    """Rows and the probability that the model gives them."""

    row_id: Tensor  # [N] int64
    label: Tensor  #  [N] float32, 0 or 1
    score: Tensor  #  [N] float32, probability of label 1


class Quality(NamedTuple):
    """Figures of one set of rows; Logloss in nats."""

    auc: float
    logloss: float
    rows: int


def gather(parts: Sequence[Scored], all_gather: Callable[[Tensor], Tensor]) -> Scored:
    """Join the batches of every rank, sorted by row id, every row once.

    Args:
        parts: this rank's batches; every rank must hold as many rows as the others.
        all_gather: [N] of this rank → [ranks, N], or [N] where there is one rank.
    """
    joined = [all_gather(torch.cat(column)).flatten().cpu() for column in zip(*parts, strict=True)]
    row_id = joined[0]
    order = row_id.argsort(stable=True)
    ordered = row_id[order]
    first = torch.ones_like(ordered, dtype=torch.bool)  # ranks of equal length may share a few rows
    first[1:] = ordered[1:] != ordered[:-1]
    return Scored(*(column[order[first]] for column in joined))


def measure(label: Tensor, score: Tensor) -> Quality:
    """AUC and Logloss of labels [N] and probabilities [N].

    Raises:
        InputError: a probability is not a number.
    """
    if not score.isfinite().all():
        raise InputError(
            "ctr.model: scores are not finite, the network diverged; lower its optimizer's learning rate."
        )
    auc = binary_auroc(score, label.long())
    logloss = F.binary_cross_entropy(score, label)
    return Quality(float(auc), float(logloss), len(label))
