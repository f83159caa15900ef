"""Deep & Cross Network: logit = w · [cross(x_0); mlp(x_0)] + first_order(fields).

Wang et al., "Deep & Cross Network for Ad Click Predictions", 2017, Eq. 3 to 6; x_0 is all field embeddings
side by side. Deviation: a first-order linear part is added, as the public implementations that the profile
paper builds on do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from userip_lightning.ctr.layers.basic import MLP, CrossNetwork, FirstOrder, FusedEmbedding
from userip_lightning.ctr.networks.base import CTRNet
from userip_lightning.schema import FeatureSchema


class DCN(CTRNet):
    """Cross layers and an MLP over the same embeddings, read out together.

    Args:
        schema: the fields.
        embedding_dim: width E of a field's embedding.
        cross_layers: number of cross layers.
        hidden: widths of the MLP.
        dropout: probability after every MLP layer.
    """

    crossing: type[nn.Module] = CrossNetwork

    def __init__(
        self,
        schema: FeatureSchema,
        embedding_dim: int = 8,
        cross_layers: int = 3,
        hidden: Sequence[int] = (16, 16),
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        width = len(schema.fields) * embedding_dim
        self.embedding = FusedEmbedding(schema, embedding_dim)
        self.first_order = FirstOrder(schema)
        self.cross: Any = self.crossing(width, cross_layers)
        self.deep = MLP(width, hidden, dropout)
        self.output = nn.Linear(width + self.deep.out_dim, 1, bias=False)

    def forward(self, fields: Tensor) -> Tensor:
        """[N, F] int64 values → [N] logits."""
        x0 = self.embedding(fields).flatten(1)
        cross, deep = torch.split(self.output.weight[0], [x0.shape[1], self.deep.out_dim])
        logits: Tensor = self.cross.project(x0, cross) + self.deep(x0) @ deep + self.first_order(fields)
        return logits
