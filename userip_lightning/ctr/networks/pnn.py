"""Product-based neural network, inner products: logit = w · mlp([e_1 … e_F; ⟨e_i, e_j⟩ for i < j]) + b.

Qu et al., "Product-based Neural Networks for User Response Prediction", 2016, section III, IPNN. The paper's
first hidden layer W_z z + W_p p + b_1 is a linear layer over embeddings and products side by side. Deviation:
each product is there once and ⟨e_i, e_i⟩ is not, as in the authors' published code. Alone among these
networks it has no first-order part.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from userip_lightning.ctr.layers.basic import MLP, FusedEmbedding
from userip_lightning.ctr.layers.interactions import PairwiseProducts
from userip_lightning.ctr.networks.base import CTRNet
from userip_lightning.schema import FeatureSchema


class PNN(CTRNet):
    """An MLP that is given the inner products of its embeddings.

    Args:
        schema: the fields.
        embedding_dim: width E of a field's embedding.
        hidden: widths of the MLP.
        dropout: probability after every MLP layer.
    """

    def __init__(
        self,
        schema: FeatureSchema,
        embedding_dim: int = 8,
        hidden: Sequence[int] = (16, 16),
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.embedding = FusedEmbedding(schema, embedding_dim)
        self.products = PairwiseProducts(schema)
        width = len(schema.fields) * embedding_dim + len(self.products.left)
        self.deep = MLP(width, hidden, dropout)
        self.output = nn.Linear(self.deep.out_dim, 1)

    def forward(self, fields: Tensor) -> Tensor:
        """[N, F] int64 values → [N] logits."""
        embeddings = self.embedding(fields)
        inner = self.products(embeddings).sum(dim=2)
        logits: Tensor = self.output(self.deep(torch.cat([embeddings.flatten(1), inner], dim=1))).squeeze(1)
        return logits
