"""DCN V2: logit = w · [cross(x_0); mlp(x_0)] + first_order(fields), with matrix cross layers,

    x_{l+1} = x_0 ⊙ (W_l x_l + b_l) + x_l.

Wang et al., "DCN V2: Improved Deep & Cross Network and Practical Lessons for Web-scale Learning to Rank
Systems", 2021, section 3, parallel structure; x_0 is all field embeddings side by side. W_l has full rank.
Deviation: a first-order linear part is added, as in public implementations.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from userip_lightning.ctr.layers.basic import MLP, FirstOrder, FusedEmbedding
from userip_lightning.ctr.layers.cross import MatrixCrossNetwork
from userip_lightning.ctr.networks.base import CTRNet
from userip_lightning.schema import FeatureSchema


class DCNv2(CTRNet):
    """Matrix cross layers and an MLP over the same embeddings, read out together.

    Args:
        schema: the fields.
        embedding_dim: width E of a field's embedding.
        cross_layers: number of cross layers.
        hidden: widths of the MLP.
        dropout: probability after every MLP layer.
    """

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
        self.cross = MatrixCrossNetwork(width, cross_layers)
        self.deep = MLP(width, hidden, dropout)
        self.output = nn.Linear(width + self.deep.out_dim, 1, bias=False)

    def forward(self, fields: Tensor) -> Tensor:
        """[N, F] int64 values → [N] logits."""
        x0 = self.embedding(fields).flatten(1)
        both = torch.cat([self.cross(x0), self.deep(x0)], dim=1)
        logits: Tensor = self.output(both).squeeze(1) + self.first_order(fields)
        return logits
