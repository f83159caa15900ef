"""Adam for networks with large embedding tables: a step costs what its batch costs, not what the tables do.

At step t, for a row r that the batch looked up and for no other, with g_r the sum of its gradients:

    s_r ← s_r + 1,  g ← g_r + λ (t / s_r) w_r
    m_r ← β1 m_r + (1 - β1) g,  v_r ← β2 v_r + (1 - β2) g²
    w_r ← w_r - lr · m_r / (1 - β1^{s_r}) / (√(v_r / (1 - β2^{s_r})) + ε)

Kingma and Ba, "Adam", 2015, Algorithm 1, on every row by itself. s_r / t is the share of batches that held
row r, so the decay, which comes with these batches alone, is λ w_r per step on average: the gradient of
λ/2 ‖table‖², whatever the batch size and however rare the row.

Deviation: dense Adam moves rows that the batch did not look up as well, by their old moments, and lets these
fade at every step. As after a row's look-up it goes on moving it, it takes a smaller learning rate. Against
torch.optim.SparseAdam, which is as lazy, the bias is corrected by the row's own count s_r instead of the
table's, rows decay, and parameters with dense gradients are welcome.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, overload

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.adam import adam
from torch.optim.optimizer import ParamsT


class _Rows(NamedTuple):
    """The rows of a table that a batch looked up."""

    at: Tensor  #   [n] int64, ascending
    grad: Tensor  # [n, E], sum over the batch


class RowAdam(Optimizer):
    """Adam whose state of an embedding row moves only when the row is in the batch.

    What has a sparse gradient is updated by rows; what has a dense one by torch's fused Adam, bit for bit.
    All state is in ``state_dict``.

    Args:
        params: parameters or parameter groups.
        lr: learning rate; the default is the best of {1, 3, 6}e-3 by validation AUC on MovieLens-100K.
        betas: decay of the two moments, β1 and β2.
        eps: ε, added to the root of the second moment.
        weight_decay: λ; a dense gradient gets λ w added, as in torch.optim.Adam.
    """

    #: Embedding tables may give sparse gradients to this optimizer.
    row_sparse = True

    def __init__(
        self,
        params: ParamsT,
        lr: float = 3e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        # torch and Lightning read "fused" to know that dense step counts live beside their parameters.
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "fused": True}
        super().__init__(params, defaults)

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], float]) -> float: ...
    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Update every parameter that has a gradient; returns what ``closure`` returns."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            dense, gradients = [], []
            for weight in group["params"]:
                gradient = weight.grad
                if gradient is None:
                    continue
                if gradient.is_sparse:
                    self._step_rows(weight, gradient, group)
                else:
                    dense.append(weight)
                    gradients.append(gradient)
            if dense:
                self._step_dense(dense, gradients, group)
        return loss

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients; torch's own takes a tenth of the time of a small batch's step."""
        if not set_to_none:
            super().zero_grad(set_to_none=False)
            return
        for group in self.param_groups:
            for weight in group["params"]:
                weight.grad = None

    def _step_dense(self, weights: list[Tensor], gradients: list[Tensor], group: dict[str, Any]) -> None:
        """Dense Adam for parameters whose gradient is dense."""
        for weight in weights:
            if not self.state[weight]:
                self.state[weight] = {
                    "step": torch.zeros((), device=weight.device),
                    "exp_avg": torch.zeros_like(weight),
                    "exp_avg_sq": torch.zeros_like(weight),
                }
        states = [self.state[weight] for weight in weights]
        beta1, beta2 = group["betas"]
        adam(
            weights,
            gradients,
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            [state["step"] for state in states],
            fused=True,
            amsgrad=False,
            beta1=beta1,
            beta2=beta2,
            lr=group["lr"],
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            maximize=False,
        )

    def _step_rows(self, table: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        """The equations above on the rows of ``table`` [R, E] that its sparse gradient names."""
        state = self.state[table]
        if not state:
            state["batches"] = 0  # t; not "step": torch and Lightning treat that name in their own way
            state["row_steps"] = torch.zeros_like(table[:, 0])
            state["exp_avg"] = torch.zeros_like(table)
            state["exp_avg_sq"] = torch.zeros_like(table)
        at, grad = _rows(gradient)
        state["batches"] += 1
        weight = table.index_select(0, at)
        steps = state["row_steps"].index_select(0, at).add_(1)
        if group["weight_decay"]:
            rarity = (state["batches"] * group["weight_decay"] / steps).unsqueeze_(1)
            grad = torch.addcmul(grad, weight, rarity)
        beta1, beta2 = group["betas"]
        mean = state["exp_avg"].index_select(0, at).lerp_(grad, 1 - beta1)
        square = state["exp_avg_sq"].index_select(0, at).mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        root = _one_minus_power(beta2, steps).sqrt_()  # taken out of √(v / ...), and so out of ε
        rate = (root / _one_minus_power(beta1, steps)).mul_(group["lr"])
        weight.sub_(mean.mul(rate).div_(square.sqrt().add_(root, alpha=group["eps"])))
        table.index_copy_(0, at, weight)
        state["row_steps"].index_copy_(0, at, steps)
        state["exp_avg"].index_copy_(0, at, mean)
        state["exp_avg_sq"].index_copy_(0, at, square)


def _one_minus_power(beta: float, steps: Tensor) -> Tensor:
    """1 - β^s for steps [n] → [n, 1], without the rounding of a difference of near numbers."""
    log = math.log(beta) if beta else -math.inf
    return torch.expm1(steps.unsqueeze(1) * log).neg_()


def _rows(grad: Tensor) -> _Rows:
    """Every row of a sparse gradient [R, E] once.

    Sorting the look-ups costs what the batch costs. Where the table is not much larger than the batch,
    summing into a whole table is cheaper still (two to five times on a CPU), and the sums are the same. Not
    on CUDA, where such sums come in any order and a run would not repeat itself.
    """
    if grad.is_cuda or grad.is_coalesced() or len(grad) > 4 * grad._nnz():
        grad = grad.coalesce()
        return _Rows(grad.indices()[0], grad.values())
    looked_up, values = grad._indices()[0], grad._values()
    whole = values.new_zeros(grad.shape).index_add_(0, looked_up, values)
    there = torch.zeros(len(grad), dtype=torch.bool, device=grad.device).index_fill_(0, looked_up, True)
    index = there.nonzero().squeeze(1)
    return _Rows(index, whole.index_select(0, index))
