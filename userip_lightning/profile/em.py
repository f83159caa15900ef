"""Expectation maximisation over latent profiles (Algorithm 1), as pure functions.

E step, per user:  z ← argmin_z  L_lm(z) + w Σ_p λ_p L_q,p(z)       (Eq. 7 with codebook and surrogate fixed)
M step:            codebook, surrogate ← argmin w Σ_p λ_p L_q,p      (Eq. 5 with z fixed)

Both are gradient steps, w weighs the prior. With every E step of the ``joint`` schedule the prior takes a
gradient step, too; ``m_steps`` more follow (0 is Algorithm 1). L_lm is -log p(h | z) of a frozen LM; the
codes are the prior of z through the commitment term. What the prior is, stage 1 does not know: it is handed
one (:class:`Prior`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from userip_lightning.batches import RecBatch


class PriorLoss(NamedTuple):
    """Σ_p λ_p L_q,p over a batch, and its terms for the log."""

    loss: Tensor  # scalar
    logs: Mapping[str, Tensor]


class Prior(Protocol):
    """What couples stage 1 to codes: the quantization loss as a function of z."""

    def setup(self, z: Tensor, names: tuple[str, ...], n_items: int, seed: int) -> None:
        """Initialise the codebooks from the whole table z [U, P, S, D]."""

    def __call__(self, z: Tensor, rows: RecBatch) -> PriorLoss:
        """Loss of z [B, P, S, D]; ``rows.user`` is 0 .. B - 1."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """What is learned."""


class Steps(Protocol):
    """What an E step asks of an optimizer."""

    def zero_grad(self) -> None:
        """Forget gradients."""

    def step(self) -> object:
        """Move by the gradients."""


class EStep(NamedTuple):
    """Outcome of an E step."""

    losses: list[Tensor]  # per inner step the [B] objective before the step
    finite: Tensor  #       [B] bool; rows whose loss or gradient was not finite did not move


def e_step(
    z: Tensor,
    objectives: Sequence[Callable[[Tensor], Tensor]],
    optimizer: Steps,
    backward: Callable[[Tensor], object] = torch.Tensor.backward,
) -> EStep:
    """One gradient step on the leaf z per objective.

    The losses of users are summed, so the step of a user does not depend on who shares the batch.

    Args:
        z: [B, ...] leaf, changed in place.
        objectives: each maps z to [B] losses.
        optimizer: over z.
        backward: how to differentiate the sum (Lightning's ``manual_backward`` in a module).
    """
    finite = torch.ones(len(z), dtype=torch.bool, device=z.device)
    losses = []
    for objective in objectives:
        optimizer.zero_grad()
        loss = objective(z)
        finite &= loss.detach().isfinite()
        backward(torch.where(finite, loss, 0.0).sum())
        if z.grad is None:
            raise RuntimeError("the objective does not depend on z")
        finite &= z.grad.flatten(1).isfinite().all(1)
        z.grad[~finite] = 0.0
        before = z.detach()[~finite]
        optimizer.step()
        z.data[~finite] = before  # momentum and weight decay move a row without a gradient, too
        losses.append(loss.detach())
    return EStep(losses, finite)


def average_gradient(shared: Iterable[nn.Parameter], users: int) -> None:
    """Divide the gradient of what users share by their number.

    L_lm and the prior's loss are means over the batch in Eq. 7. :func:`e_step` adds users up, so that each
    has the gradient of one user; what users share has that of all of them then.
    """
    for parameter in shared:
        if parameter.grad is not None:
            parameter.grad /= max(1, users)


def draws(rows: int, most: int, steps: int, seed: int) -> Iterator[Tensor]:
    """Row numbers for ``steps`` M steps: [n] int64 each out of ``rows``, n ``most`` at most."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        yield torch.randint(rows, (min(most, rows),), generator=generator)


def m_step(
    prior: Prior,
    z: Tensor,
    rows: RecBatch,
    draws: Iterable[Tensor],
    optimizer: Steps,
    device: torch.device,
    weight: float = 1.0,
    backward: Callable[[Tensor], object] = torch.Tensor.backward,
) -> None:
    """One gradient step on the prior per draw of training rows, z fixed.

    Args:
        prior: changed in place.
        z: [U, P, S, D], all users, wherever they lie.
        rows: all N rows; ``user`` is 0 .. U - 1.
        draws: [n] int64 row numbers each.
        optimizer: over the prior's parameters.
        device: where the prior is.
        weight: w.
        backward: how to differentiate the loss.
    """
    for chosen in draws:
        part = RecBatch(*(column[chosen] for column in rows))
        users, position = torch.unique(part.user, return_inverse=True)
        part = RecBatch(*(column.to(device) for column in part._replace(user=position)))
        optimizer.zero_grad()
        backward(weight * prior(z[users].detach().to(device), part).loss)
        optimizer.step()
