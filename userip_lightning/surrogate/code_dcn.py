"""Surrogate recommender S(e_1 … e_P, item): the third term of Eq. 5 (section 2.4), a deep & cross network.

Its inputs are the straight-through codes themselves, not their integers, so the recommendation loss has a
gradient towards the users. A linear map per profile takes a code from LM space to field-embedding width.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from userip_lightning.ctr.layers.basic import MLP, CrossNetwork
from userip_lightning.surrogate.item_tower import ItemTower


class SurrogateDCN(nn.Module):
    """Deep & cross network over an item and a user's codes.

    Args:
        items: number of items.
        code_dims: width C_p of the codes of every profile.
        item_text: [I, D] text vectors of the items, or None.
        embedding_dim: width E that items and codes have inside.
        cross_layers: number of cross layers.
        hidden: widths of the MLP.
        dropout: probability after every MLP layer.
    """

    def __init__(
        self,
        items: int,
        code_dims: Sequence[int],
        item_text: Tensor | None = None,
        embedding_dim: int = 8,
        cross_layers: int = 3,
        hidden: Sequence[int] = (16, 16),
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        width = embedding_dim * (1 + len(code_dims))
        self.items = ItemTower(items, embedding_dim, item_text)
        self.profiles = nn.ModuleList(nn.Linear(dim, embedding_dim, bias=False) for dim in code_dims)
        self.cross = CrossNetwork(width, cross_layers)
        self.deep = MLP(width, hidden, dropout)
        self.output = nn.Linear(width + self.deep.out_dim, 1)

    def forward(self, codes: Sequence[Tensor], item: Tensor) -> Tensor:
        """Logits of N rows.

        Args:
            codes: P tensors [N, C_p], straight-through codes of the row's user.
            item: [N] int64.

        Returns:
            [N] logits.
        """
        own = [project(code) for project, code in zip(self.profiles, codes, strict=True)]
        x0 = torch.cat([self.items(item), *own], dim=1)
        both = torch.cat([self.cross(x0), self.deep(x0)], dim=1)
        logits: Tensor = self.output(both).squeeze(1)
        return logits
