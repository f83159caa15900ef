"""Batch normalization that a batch of one row does not stop, nor a batch that several ranks share.

Ioffe and Szegedy, "Batch Normalization", 2015, Algorithms 1 and 2. Deviation: the statistics of one row say
nothing (torch refuses them), so a training batch of one row is normalized with the running statistics, as in
evaluation, and leaves them as they are.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.distributed.nn import functional as collective
from torch.nn import functional as F

from userip_lightning.distributed.part import Part, active


class BatchNorm(nn.BatchNorm1d):
    """Batch normalization of [N, C] or [N, C, L], over N and L, for any N ≥ 1, rows of all ranks."""

    def forward(self, x: Tensor) -> Tensor:
        """[N, C] or [N, C, L] → the same shape."""
        part = active()
        if not self.training or (part is None and len(x) > 1):
            return super().forward(x)
        if part is not None and part.total > 1:
            return self._over_ranks(x, part)
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)

    def _over_ranks(self, x: Tensor, part: Part) -> Tensor:
        """Normalize a rank's rows by the statistics of all rows; torch's SyncBatchNorm is for GPUs alone."""
        over = (0, 2)[: x.dim() - 1]
        shape = (1, -1, 1)[: x.dim()]
        entries = part.total * x[0, 0].numel()
        counted = x[: part.counted].float()
        mean = _sum(counted.sum(dim=over)) / entries
        variance = _sum((counted - mean.view(shape)).square().sum(dim=over)) / entries
        with torch.no_grad():
            self._remember(mean, variance * entries / (entries - 1))
        scale = torch.rsqrt(variance + self.eps) * self.weight
        out: Tensor = (x - mean.view(shape)) * scale.view(shape) + self.bias.view(shape)
        return out.to(x.dtype)

    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        """Move the running statistics, as torch does."""
        if self.running_mean is None or self.running_var is None or self.momentum is None:
            return
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), self.momentum)
        self.running_var.lerp_(variance.to(self.running_var.dtype), self.momentum)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)


def _sum(own: Tensor) -> Tensor:
    """Sum over ranks, through which gradients flow back to all of them."""
    whole: Tensor = collective.all_reduce(own)  # type: ignore[no-untyped-call]  # untyped there
    return whole
