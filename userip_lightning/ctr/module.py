"""Training and judging a CTR network: binary cross-entropy over logits (section 2.5, Eq. 9) plus L2.

    L = mean BCE(σ(net(fields)), y) + l2 · Σ ‖table‖²

Deviation: L2 is the usual extra of CTR implementations; with it at 0 the loss is the paper's. An optimizer
that updates rows alone (:class:`~userip_lightning.ctr.row_adam.RowAdam`, the default) leaves the sum to the
rows that the batch looked up; with any other, such as ``torch.optim.Adam``, it is over whole tables. All
randomness of an epoch is a function of (seed, epoch), so a run that was resumed at an epoch's end has the
weights of one that never stopped, bit for bit; on a GPU, networks of pairs of fields need
``trainer.deterministic: true`` for it. Several ranks share every batch (``distributed``): they take the steps
that one process would take, up to rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch
from lightning.pytorch.cli import OptimizerCallable
from lightning.pytorch.core.optimizer import LightningOptimizer
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer

from userip_lightning.artifact import Manifest, stable_hash
from userip_lightning.batches import CTRBatch
from userip_lightning.ctr.export import write_ctr
from userip_lightning.ctr.judged_module import JudgedModule
from userip_lightning.ctr.networks.base import CTRNet
from userip_lightning.ctr.networks.dcn import DCN
from userip_lightning.ctr.row_adam import RowAdam
from userip_lightning.ctr.running_mean import RunningMean
from userip_lightning.ctr.scored import Scored
from userip_lightning.distributed.part import active, every
from userip_lightning.distributed.step import sharing
from userip_lightning.schema import FeatureSchema

if TYPE_CHECKING:
    from userip_lightning.ctr.datamodule import CTRDataModule


class CTRModule(JudgedModule):
    """A CTR network with its loss, metrics and export.

    Lightning gets a block of batches at a time, and this module steps the optimizer itself for each of them,
    because what Lightning does between two steps costs half as much as a small batch. Precision, checkpoints
    and several ranks work as ever and ``global_step`` counts optimizer steps; ``limit_train_batches`` and
    callbacks count blocks, and Lightning refuses ``accumulate_grad_batches`` and ``gradient_clip_val``.

    Args:
        net: builds the network for the fields of the DataModule.
        optimizer: builds the optimizer. Where it says ``row_sparse``, embedding tables give it sparse
            gradients and a step costs what its batch costs, however many users there are.
        l2: weight of the squared norm of the embedding tables, against the mean cross-entropy.
    """

    network: CTRNet

    def __init__(
        self,
        net: Callable[[FeatureSchema], CTRNet] = DCN,
        optimizer: OptimizerCallable = RowAdam,
        l2: float = 2e-5,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.net = net
        self.optimizer = optimizer
        self.l2 = l2
        self._row_sparse = False
        self._losses = RunningMean()

    @property
    def data(self) -> CTRDataModule:
        """The DataModule at work: training batches are the same on all ranks, judged rows a rank's own."""
        return cast("CTRDataModule", self.trainer.datamodule)  # type: ignore[attr-defined]  # set untyped

    def configure_model(self) -> None:
        """Build the network, which needs the fields; Lightning calls this before it loads a checkpoint."""
        if not hasattr(self, "network"):
            torch.manual_seed(self.data.seed)
            self.network = self.net(self.data.feature_schema)
        # Before the optimizer exists, because DDP asks the tables when it wraps the network.
        self._row_sparse = getattr(self.optimizer([nn.Parameter(torch.zeros(1))]), "row_sparse", False)
        self.network.row_sparse(self._row_sparse)

    def configure_optimizers(self) -> Optimizer:
        """The optimizer; one that updates rows alone decays the tables itself."""
        if not self._row_sparse:
            return self.optimizer(self.network.parameters())
        tables = list(self.network.tables())
        names = {id(table) for table in tables}
        others = [weight for weight in self.network.parameters() if id(weight) not in names]
        # The gradient of l2 ‖w‖² is 2 l2 w.
        return self.optimizer([{"params": others}, {"params": tables, "weight_decay": 2 * self.l2}])

    def forward(self, fields: Tensor) -> Tensor:
        """[N, F] int64 values → [N] logits."""
        logits: Tensor = self.network(fields)
        return logits

    def loss(self, batch: CTRBatch) -> Tensor:
        """What a step goes down, a scalar; the mean cross-entropy in it counts towards ``train/loss``."""
        loss = F.binary_cross_entropy_with_logits(self.network(batch.fields).float(), batch.label)
        part = active()
        self._losses.add(loss.detach(), len(batch.label) if part is None else part.counted)
        if not self.l2 or self._row_sparse:
            return loss
        return loss + self.l2 * torch.stack([table.square().sum() for table in self.network.tables()]).sum()

    def training_step(self, block: CTRBatch) -> Tensor:
        """A step for every batch of the block; returns the mean of their losses, of this rank's rows."""
        optimizer, losses = self.optimizers(), []
        assert isinstance(optimizer, LightningOptimizer)
        backward = self._backward if self.trainer.world_size == 1 else self._backward_part
        for batch in block.split(self.data.batch_size):
            optimizer.zero_grad()
            losses.append(backward(batch))
            optimizer.step()
        return torch.stack(losses).mean()

    def on_train_epoch_end(self) -> None:
        # Once an epoch: logging every step costs as much as the step.
        self.log("train/loss", self._losses.take(self.trainer.strategy.reduce))

    def predict_step(self, batch: CTRBatch) -> Scored:
        """Probabilities of a batch, with the ids of its rows."""
        return Scored(batch.row_id, batch.label, self(batch.fields).float().sigmoid())

    def export(self, path: Path) -> Path:
        """Write the ctr artifact: predictions, metrics and weights; after ``trainer.test``. Rank 0 writes.

        Raises:
            InputError: nothing was tested, or the folder cannot be written.
        """
        tested = self.tested_rows(path)
        if not self.trainer.is_global_zero:
            return path
        made_from = self.data.provenance
        fields = [(field.name, field.size) for field in self.data.feature_schema.fields]
        settings = {"net": str(self.network), "fields": fields, "l2": self.l2, "seed": self.data.seed}
        manifest = Manifest(
            "ctr", stable_hash(settings), made_from.data_hash, made_from.users, extra=settings
        )
        return write_ctr(path, tested, manifest, self.data.rows_seen, self.state_dict())

    def _backward(self, batch: CTRBatch) -> Tensor:
        """Gradients of a batch; returns its loss."""
        loss = self.loss(batch)
        self.manual_backward(loss)
        return loss.detach()

    def _backward_part(self, batch: CTRBatch) -> Tensor:
        """Gradients of a batch of which this rank does a part; returns the loss of the part."""
        part = every(len(batch.label), self.global_rank, self.trainer.world_size, batch.label.device)
        own = CTRBatch(*(column.index_select(0, part.rows) for column in batch))
        with sharing(self.trainer, part, self.network.parameters()):
            loss = self.loss(own)
            self.manual_backward(part.weight * loss)
        return loss.detach()
