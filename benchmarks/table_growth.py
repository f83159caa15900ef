"""What a training step of DCN at batch 128 costs as the table of users grows, by optimizer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial

import torch
from rich.table import Table
from torch import Tensor
from torch.nn import functional as F
from torch.optim import Optimizer

from userip_lightning.ctr.networks.dcn import DCN
from userip_lightning.ctr.row_adam import RowAdam
from userip_lightning.schema import FeatureSchema, Field

BATCH, ITEMS, L2 = 128, 1682, 2e-4
OPTIMIZERS: dict[str, Callable[[Iterable[Tensor]], Optimizer]] = {
    "RowAdam (ours)": partial(RowAdam, weight_decay=2 * L2),
    "Adam": partial(torch.optim.Adam, weight_decay=2 * L2),
    "Adam(fused=True)": partial(torch.optim.Adam, weight_decay=2 * L2, fused=True),
}


class Steps:
    """A network of many users, and steps over rows of random users and items."""

    def __init__(self, users: int, build: Callable[[Iterable[Tensor]], Optimizer]) -> None:
        torch.manual_seed(0)
        self.users = users
        self.network = DCN(FeatureSchema((Field("user_id", users), Field("item_id", ITEMS))))
        self.optimizer = build(self.network.parameters())
        self.network.row_sparse(isinstance(self.optimizer, RowAdam))

    def run(self, steps: int) -> float:
        """Processor time of a step, in seconds."""
        rows = [torch.randint(size, (steps, BATCH)) for size in (self.users, ITEMS)]
        fields, label = torch.stack(rows, dim=2), torch.randint(2, (steps, BATCH)).float()
        start = time.process_time()
        for batch, truth in zip(fields, label, strict=True):
            loss = F.binary_cross_entropy_with_logits(self.network(batch), truth)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
        return (time.process_time() - start) / steps


def growth_table(users: list[int], rounds: int) -> Table:
    """Best milliseconds of a step; the sizes take turns."""
    table = Table("optimizer", *(f"{count:,} users" for count in users), "last over first")
    for name, build in OPTIMIZERS.items():
        grown = [Steps(count, build) for count in users]
        best = [float("inf")] * len(grown)
        for _ in range(rounds + 1):
            for at, network in enumerate(grown):
                best[at] = min(best[at], network.run(3 if best[at] > 0.1 else 300))
        figures = [f"{value * 1e3:.2f} ms" for value in best]
        table.add_row(name, *figures, f"{best[-1] / best[0]:.2f}x")
    return table
