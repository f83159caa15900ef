"""Operation-aware neural network: logit = w · mlp([v_{i,j} ⊙ v_{j,i} for i < j]) + first_order(fields).

Yang et al., "Operation-aware Neural Networks for User Response Prediction", 2019, section 3: a value has
another vector for each operation, here one for its product with each other field. Deviations, those of the
public implementation that the profile paper's comparison builds on (deepctr-torch): products are
element-wise, not summed up; the MLP sees no copies of embeddings and has no batch normalization; a
first-order part is added. That implementation starts half of its vectors at N(0, 1); here all start small.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from userip_lightning.ctr.layers.basic import MLP, FirstOrder
from userip_lightning.ctr.layers.interactions import FieldAwareProducts
from userip_lightning.ctr.networks.base import CTRNet
from userip_lightning.schema import FeatureSchema


class ONN(CTRNet):
    """An MLP over field-aware products.

    Args:
        schema: the fields.
        embedding_dim: width E of each vector; a value has F-1 of them.
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
        self.products = FieldAwareProducts(schema, embedding_dim)
        self.first_order = FirstOrder(schema)
        self.deep = MLP(len(self.products.left) * embedding_dim, hidden, dropout)
        self.output = nn.Linear(self.deep.out_dim, 1, bias=False)

    def forward(self, fields: Tensor) -> Tensor:
        """[N, F] int64 values → [N] logits."""
        deep = self.deep(self.products(fields).flatten(1))
        logits: Tensor = self.output(deep).squeeze(1) + self.first_order(fields)
        return logits
