"""A row of soft tokens per user, with the optimizer state of that row.

A batch touches few users. A dense Adam over the whole table would keep moving all others by stale momentum
and cost as much as there are users; here only the rows of the batch, with their own moments, take part.
"""

from __future__ import annotations

import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor, nn
from torch.optim import Optimizer


class UserTable(nn.Module):
    """Soft tokens z [U, P, S, D] and row-wise optimizer state, all of it in checkpoints.

    Args:
        z: [U, P, S, D] float32, the start.
        optimizer: makes an element-wise optimizer (Adam, AdamW, SGD, RMSprop ...) from parameters.
    """

    def __init__(self, z: Tensor, optimizer: OptimizerCallable) -> None:
        super().__init__()
        self.optimizer = optimizer
        self.register_buffer("z", z.float().clone())
        self.z: Tensor
        self.state = nn.Module()  # one buffer per entry of the optimizer's state
        for name, value in _probe(z[:1], optimizer).items():
            shape = z.shape if value.shape == z[:1].shape else z.shape[:1]
            self.state.register_buffer(name, torch.zeros(shape, dtype=value.dtype))

    def checkout(self, users: Tensor) -> tuple[Tensor, Optimizer]:
        """Leaf [B, P, S, D] of the users' rows, and an optimizer over it that remembers them."""
        leaf = self.z[users].clone().requires_grad_()
        optimizer = self.optimizer([leaf])
        for name, table in self.state.named_buffers():
            rows = table[users]
            # rows of one batch were visited equally often, so any of them knows the step count
            optimizer.state[leaf][name] = rows.clone() if rows.shape == leaf.shape else rows[0].clone()
        return leaf, optimizer

    def checkin(self, users: Tensor, leaf: Tensor, optimizer: Optimizer) -> None:
        """Write back what :meth:`checkout` lent."""
        self.z[users] = leaf.detach()
        for name, table in self.state.named_buffers():
            table[users] = optimizer.state[leaf][name].to(table.dtype)


def _probe(row: Tensor, optimizer: OptimizerCallable) -> dict[str, Tensor]:
    """The tensors an optimizer keeps for a parameter, found by one step on a copy."""
    leaf = row.float().clone().requires_grad_()
    leaf.grad = torch.zeros_like(leaf)
    probe = optimizer([leaf])
    probe.step()
    return {name: value for name, value in probe.state[leaf].items() if isinstance(value, Tensor)}
