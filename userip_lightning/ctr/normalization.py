"""Batch normalization that a batch of one row does not stop.

Ioffe and Szegedy, "Batch Normalization", 2015, Algorithms 1 and 2. Deviation: the statistics of one row say
nothing (torch refuses them), so a training batch of one row is normalized with the running statistics, as in
evaluation, and leaves them as they are.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class BatchNorm(nn.BatchNorm1d):
    """Batch normalization of [N, C] or [N, C, L], over N and L, for any N ≥ 1."""

    def forward(self, x: Tensor) -> Tensor:
        """[N, C] or [N, C, L] → the same shape."""
        if len(x) > 1 or not self.training:
            return super().forward(x)
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
