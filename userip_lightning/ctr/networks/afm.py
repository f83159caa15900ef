"""Attentional factorization machine: logit = p · Σ_{i<j} a_ij (e_i ⊙ e_j) + first_order(fields),

    a = softmax over the pairs of h · ReLU(W (e_i ⊙ e_j) + b).

Xiao et al., "Attentional Factorization Machines: Learning the Weight of Feature Interactions via Attention
Networks", 2017, section 3.1. Deviation: dropout is on the pooled vector, as in public implementations, not on
each pair's. Of two fields there is one pair, whose weight is 1 whatever h, W and b are: there are none then.
"""

from __future__ import annotations

from torch import Tensor, nn

from userip_lightning.ctr.layers.basic import FirstOrder, FusedEmbedding
from userip_lightning.ctr.layers.interactions import PairwiseProducts
from userip_lightning.ctr.networks.base import CTRNet
from userip_lightning.schema import FeatureSchema


class AFM(CTRNet):
    """A factorization machine that weighs its pairs by what they are.

    Args:
        schema: the fields.
        embedding_dim: width E of a field's embedding.
        attention_dim: width of the attention's hidden layer.
        dropout: probability on the pooled products.
    """

    def __init__(
        self, schema: FeatureSchema, embedding_dim: int = 8, attention_dim: int = 8, dropout: float = 0.2
    ) -> None:
        super().__init__()
        self.embedding = FusedEmbedding(schema, embedding_dim)
        self.first_order = FirstOrder(schema)
        self.products = PairwiseProducts(schema)
        self.attention: nn.Sequential | None = None
        if len(schema.fields) > 2:
            hidden = nn.Linear(embedding_dim, attention_dim)
            self.attention = nn.Sequential(hidden, nn.ReLU(), nn.Linear(attention_dim, 1, bias=False))
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(embedding_dim, 1, bias=False)

    def forward(self, fields: Tensor) -> Tensor:
        """[N, F] int64 values → [N] logits."""
        products = self.products(self.embedding(fields))
        if self.attention is not None:
            products = self.attention(products).softmax(dim=1) * products
        pooled = self.dropout(products.sum(dim=1))
        logits: Tensor = self.output(pooled).squeeze(1) + self.first_order(fields)
        return logits
