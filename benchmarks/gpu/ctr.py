"""DCN against the loop that one writes in plain torch, and a step by the number of users.

The plain loop has all rows on the device, takes a permutation of them a pass, and torch's fused Adam over
whole tables; the same again under torch.compile. Ours is ``CTRModule`` in a Trainer, with the rows on the
host, timed from the start of its epoch to the end. They take turns; the best turn of each counts, after one
that warms up.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from table_growth import OPTIMIZERS
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer

from benchmarks.gpu.child import Child, start
from userip_lightning.batches import CTRBatch
from userip_lightning.ctr.datamodule import CTRDataModule
from userip_lightning.ctr.module import CTRModule
from userip_lightning.ctr.networks.dcn import DCN
from userip_lightning.ctr.row_adam import RowAdam
from userip_lightning.data.row_slices import RowSlices
from userip_lightning.schema import FeatureSchema, Field

_ITEMS, _ROUNDS = 50_000, 3


class Log(CTRDataModule):
    """Random rows on the host, handed out and carried to the device as those of a prepared log."""

    def __init__(self, users: int, rows: int, batch_size: int) -> None:
        super().__init__("", batch_size=batch_size)
        self._users = users
        generator = torch.Generator().manual_seed(0)
        columns = [torch.randint(size, (rows,), generator=generator) for size in (users, _ITEMS)]
        label = torch.randint(2, (rows,), generator=generator).float()
        self.rows = CTRBatch(torch.stack(columns, 1), label, torch.arange(rows))

    def setup(self, stage: str) -> None:
        """There is nothing to load."""

    @property
    def feature_schema(self) -> FeatureSchema:
        """Ids alone."""
        return schema(self._users)

    def train_dataloader(self) -> RowSlices:
        """All rows, shuffled anew every epoch."""
        self._train = RowSlices(self.rows, self._block, self.seed, rank=0, ranks=1)
        return self._train


def schema(users: int) -> FeatureSchema:
    """Ids alone."""
    return FeatureSchema((Field("user_id", users), Field("item_id", _ITEMS)))


def measure(child: Child) -> None:
    """All rows of the step."""
    rows, users = (2_048, 300) if child.dry else (61 * 65_536, 200_000)  # whole batches: shapes are fixed
    for size, row in ((8_192, "DCN, batch 8,192"), (65_536, "DCN, batch 65,536")):
        with child.part(row):
            log = Log(users, rows, size // 64 if child.dry else size)
            child.tell(row, **_turns(child, {"ours": partial(_ours, child, log), **_plain(child, log)}, rows))
    for users, row in ((10_000, "step at 10,000 users"), (10_000_000, "step at 10,000,000 users")):
        with child.part(row):
            child.tell(row, **_steps(child, users // 1000 if child.dry else users))


def _turns(child: Child, ways: dict[str, Callable[[], float]], rows: int) -> dict[str, float]:
    """Best samples/s of each."""
    best = dict.fromkeys(ways, float("inf"))
    for turn in range(_ROUNDS + 1):
        for name, train in ways.items():
            seconds = train()
            if turn:
                best[name] = min(best[name], seconds)
    found = {f"{name}, samples/s": rows / seconds for name, seconds in best.items()}
    others = min(seconds for name, seconds in best.items() if name != "ours")
    return {**found, "ours is, times the best other": others / best["ours"]}


class Clock(Callback):
    """Seconds of an epoch, from an idle device to an idle device."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self.seconds = 0.0

    def on_train_epoch_start(self, trainer: Trainer, module: LightningModule) -> None:
        self._child.synchronise()
        self._begun = time.perf_counter()

    def on_train_end(self, trainer: Trainer, module: LightningModule) -> None:
        self._child.synchronise()
        self.seconds = time.perf_counter() - self._begun


def _ours(child: Child, log: Log) -> float:
    """Seconds of an epoch."""
    clock = Clock(child)
    Trainer(
        max_epochs=1,
        accelerator=child.accelerator,
        devices=1,
        logger=False,
        callbacks=[clock],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        limit_val_batches=0,
        default_root_dir=child.folder,
    ).fit(CTRModule(DCN), log)
    return clock.seconds


def _plain(child: Child, log: Log) -> dict[str, Callable[[], float]]:
    """Name to an epoch, which returns its seconds."""
    fields, label = (column.to(child.device) for column in log.rows[:2])

    def epoch(network: nn.Module, forward: Callable[[Tensor], Tensor], optimizer: torch.optim.Adam) -> float:
        network.train()
        child.synchronise()
        begun = time.perf_counter()
        for rows in torch.randperm(len(label), device=child.device).split(log.batch_size):
            optimizer.zero_grad()
            F.binary_cross_entropy_with_logits(forward(fields[rows]), label[rows]).backward()
            optimizer.step()
        child.synchronise()
        return time.perf_counter() - begun

    found = {}
    names = ("plain, fused Adam", "plain, fused Adam, torch.compile")
    for name in names[:1] if child.dry else names:
        torch.manual_seed(0)
        network = DCN(log.feature_schema).to(child.device)
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)
        forward = torch.compile(network) if "compile" in name else network
        found[name] = partial(epoch, network, forward, optimizer)
    return found


def _steps(child: Child, users: int) -> dict[str, float]:
    """Milliseconds of a step of 8,192 random rows, by optimizer."""
    found = {}
    for name, build in OPTIMIZERS.items():
        torch.manual_seed(0)
        network = DCN(schema(users)).to(child.device)
        optimizer = build(network.parameters())
        network.row_sparse(isinstance(optimizer, RowAdam))
        size = 64 if child.dry else 8_192
        columns = [torch.randint(most, (size,), device=child.device) for most in (users, _ITEMS)]
        label = torch.randint(2, (size,), device=child.device).float()
        work = partial(_step, network, optimizer, torch.stack(columns, 1), label)
        found[f"{name}, ms"] = 1e3 * child.seconds_of(work, rounds=5 if child.dry else 50, warm=5)
    return found


def _step(network: nn.Module, optimizer: Optimizer, fields: Tensor, label: Tensor) -> None:
    optimizer.zero_grad()
    F.binary_cross_entropy_with_logits(network(fields), label).backward()
    optimizer.step()


if __name__ == "__main__":
    start(measure)
