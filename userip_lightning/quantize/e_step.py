"""Exact E step over codes, an alternative to moving users by the straight-through gradient of Eq. 5:

    c(u) = argmin_c  Σ_{rows of u} BCE(S(e_c1 … e_cP, item), y)  +  Σ_p κ_p ‖v_0p - e_cp‖²,

then v_p = (λ_p β e_cp + a v_0p) / (λ_p β + a), the minimum of the commitment and anchor terms given the code,
where a is the anchor's weight per profile; κ_p is what those terms are worth at that minimum, in nats of a
user with an average number of rows. Deviation: the paper moves users by gradients alone, which see the
surrogate around a user's own code only and stall where labels depend on code and item together.
A step costs Π K_p surrogate passes without gradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from userip_lightning.batches import RecBatch
from userip_lightning.quantize.losses import QuantizeWeights
from userip_lightning.quantize.quantizer import Quantizer


class Pull(NamedTuple):
    """Towards what a user is pulled, per profile: commitment to his code and anchor to his start."""

    commitment: Tensor  #     [P], λ_p β
    anchor: float  #          weight of ‖v_p - v_0p‖²
    recommendation: float  #  weight of L_rec

    @staticmethod
    def of(weights: QuantizeWeights, anchor: float, profile_weights: Sequence[float]) -> Pull:
        """From the weights of the training loss, in which the anchor is a mean over profiles."""
        share = torch.tensor(profile_weights)
        total = weights.recommendation * float(share.sum())
        return Pull(weights.commitment * share, anchor / len(profile_weights), total)


class CodeSearch:
    """Costs of all combinations of codes for U users, gathered over the batches of one epoch.

    Args:
        quantizer: codebooks and surrogate, read at every batch.
        users: U.
    """

    def __init__(self, quantizer: Quantizer, users: int) -> None:
        self.quantizer = quantizer
        books = quantizer.books()
        device = books[0].embedding.device
        grid = torch.meshgrid([torch.arange(book.size, device=device) for book in books], indexing="ij")
        self.choices = torch.stack([axis.flatten() for axis in grid], dim=1)  # [M, P], M = Π K_p
        self.cost = torch.zeros(users, len(self.choices), device=device)
        self.rows = torch.zeros(users, dtype=torch.int64, device=device)

    @torch.no_grad()
    def add(self, rows: RecBatch) -> None:
        """Add N rows; ``user`` is 0 .. U - 1."""
        surrogate, books = self.quantizer.surrogate, self.quantizer.books()
        surrogate.eval()  # a user's cost is no place for dropout
        for m, choice in enumerate(self.choices):
            codes = [
                book.embedding[c].expand(len(rows.item), -1) for book, c in zip(books, choice, strict=True)
            ]
            logit = surrogate(codes, rows.item).float()
            loss = functional.binary_cross_entropy_with_logits(logit, rows.label, reduction="none")
            self.cost[:, m].index_add_(0, rows.user, loss)
        surrogate.train()
        self.rows.index_add_(0, rows.user, torch.ones_like(rows.user))

    @torch.no_grad()
    def solve(self, v: Tensor, v_0: Tensor | None, pull: Pull) -> Tensor:
        """Users at their best combination; those without rows stay.

        Args:
            v: [U, P, C], where users are.
            v_0: [U, P, C], where they started; needed where ``pull.anchor`` is not 0.
            pull: weights.

        Returns:
            [U, P, C].
        """
        books, cost, commitment = self.quantizer.books(), self.cost, pull.commitment.to(v.device)
        stiffness = commitment * pull.anchor / (commitment + pull.anchor).clamp(min=torch.finfo(v.dtype).tiny)
        if v_0 is not None:
            per_user = float(self.rows.double().mean()) / pull.recommendation
            for p, book in enumerate(books):
                gaps = book.distances(v_0[:, p]) / v.shape[2]
                cost = cost + per_user * stiffness[p] * gaps[:, self.choices[:, p]]
        chosen = self.choices[cost.argmin(dim=1)]
        codes = torch.stack([book.embedding[chosen[:, p]] for p, book in enumerate(books)], dim=1)
        if v_0 is not None:
            near = (commitment / (commitment + pull.anchor)).view(1, -1, 1)
            codes = near * codes + (1 - near) * v_0
        return torch.where((self.rows > 0).view(-1, 1, 1), codes, v)
