"""Exact E step over codes, an alternative to moving users by the straight-through gradient of Eq. 5:

    c(u) = argmin_c  Σ_{rows of u} BCE(S(e_c1 … e_cP, item), y)  +  κ Σ_p ‖e_cp - v_0p‖²,   v_p = e_cp.

The first part is the user's share of L_rec, the second their share of the anchor at v = e, where the
commitment is 0; κ is their exchange rate for a user with an average number of rows. Deviation: the paper
moves users by gradients alone, which see the surrogate around a user's own code only and stall where labels
depend on code and item together. An epoch costs Π K_p more surrogate passes, without gradient. As users sit
on their codes, codebooks keep their k-means centres and an unused code is found by the search or not at all.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from userip_lightning.batches import RecBatch
from userip_lightning.quantize.quantizer import Quantizer
from userip_lightning.ranks.gradients import sum_tensors


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

    def add_up(self, ranks: int) -> None:
        """Join what ``ranks`` ranks have added, each of rows of its own."""
        if ranks > 1:
            sum_tensors([self.cost])
            sum_tensors([self.rows])

    @torch.no_grad()
    def solve(self, v: Tensor, v_0: Tensor | None, pull: float) -> Tensor:
        """Users at their best codes; those without rows stay.

        Args:
            v: [U, P, C], where users are.
            v_0: [U, P, C], where they started, or None where they are not anchored.
            pull: weight of the mean squared distance to v_0, over that of L_rec.

        Returns:
            [U, P, C].
        """
        books, cost = self.quantizer.books(), self.cost
        if v_0 is not None:
            exchange = pull * float(self.rows.double().mean()) / v[0].numel()
            for p, book in enumerate(books):
                cost = cost + exchange * book.distances(v_0[:, p])[:, self.choices[:, p]]
        chosen = self.choices[cost.argmin(dim=1)]
        codes = torch.stack([book.embedding[chosen[:, p]] for p, book in enumerate(books)], dim=1)
        return torch.where((self.rows > 0).view(-1, 1, 1), codes, v)
