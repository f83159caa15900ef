"""Two-tower surrogate: S(e_1 … e_P, i) = h(e_1, …, e_P) · x_i + b_i + c(e_1, …, e_P).

h and c are one small network over all codes of a user, x_i the item tower's vector. Deviation: the paper's
surrogate is a DCN. Its cross layers bring code and item together by one number a layer; the inner product
has E of them, and what users of a code like is learned from fewer rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from userip_lightning.ctr.layers.basic import MLP
from userip_lightning.surrogate.item_tower import ItemTower


class TwoTower(nn.Module):
    """Inner product of a user tower over codes and an item tower.

    Args:
        items: number of items.
        code_dims: width C_p of the codes of every profile.
        item_text: [I, D] text vectors of the items, or None.
        embedding_dim: width E of both towers.
        hidden: widths of the user tower's hidden layers.
        dropout: share of items known by their text alone, in every training step.
    """

    def __init__(
        self,
        items: int,
        code_dims: Sequence[int],
        item_text: Tensor | None = None,
        embedding_dim: int = 16,
        hidden: Sequence[int] = (32,),
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.items = ItemTower(items, embedding_dim, item_text, dropout=dropout)
        self.bias = nn.Embedding(items, 1)
        nn.init.zeros_(self.bias.weight)
        self.deep = MLP(sum(code_dims), hidden, dropout=0.0)
        self.user = nn.Linear(self.deep.out_dim, embedding_dim + 1)

    def forward(self, codes: Sequence[Tensor], item: Tensor) -> Tensor:
        """Logits of N rows.

        Args:
            codes: P tensors [N, C_p], straight-through codes of the row's user.
            item: [N] int64.

        Returns:
            [N] logits.
        """
        user: Tensor = self.user(self.deep(torch.cat(list(codes), dim=1)))
        match = (user[:, :-1] * self.items(item)).sum(dim=1)
        logits: Tensor = match + user[:, -1] + self.bias(item).squeeze(1)
        return logits
