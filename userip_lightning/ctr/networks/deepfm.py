"""DeepFM: logit = Σ_{i<j} ⟨e_i, e_j⟩ + w · mlp(e_1 … e_F) + first_order(fields).

Guo et al., "DeepFM: A Factorization-Machine based Neural Network for CTR Prediction", 2017, section 2.1. One
table serves both parts, as the paper has it.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from userip_lightning.ctr.layers.basic import MLP, FirstOrder, FusedEmbedding
from userip_lightning.ctr.layers.interactions import factorization_machine
from userip_lightning.ctr.networks.base import CTRNet
from userip_lightning.schema import FeatureSchema


class DeepFM(CTRNet):
    """A factorization machine and an MLP over the same embeddings, added.

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
        self.first_order = FirstOrder(schema)
        self.deep = MLP(len(schema.fields) * embedding_dim, hidden, dropout)
        self.output = nn.Linear(self.deep.out_dim, 1, bias=False)

    def forward(self, fields: Tensor) -> Tensor:
        """[N, F] int64 values → [N] logits."""
        embeddings = self.embedding(fields)
        deep: Tensor = self.output(self.deep(embeddings.flatten(1))).squeeze(1)
        first_order: Tensor = self.first_order(fields)
        return factorization_machine(embeddings) + deep + first_order
