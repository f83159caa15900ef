"""Dual input-aware factorization machine: every value's weight and vector is scaled by what stands beside it,

    logit = b + Σ_i m_i w_i + Σ_{i<j} ⟨m_i e_i, m_j e_j⟩,   m = P_vec attention(e) + P_bit mlp(e).

Lu et al., "A Dual Input-aware Factorization Machine for CTR Prediction", 2020, section 3.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from userip_lightning.ctr.layers.attention import FieldAttention
from userip_lightning.ctr.layers.basic import MLP, FusedEmbedding
from userip_lightning.ctr.layers.interactions import factorization_machine
from userip_lightning.ctr.networks.base import CTRNet
from userip_lightning.schema import FeatureSchema


class DIFM(CTRNet):
    """A factorization machine whose factors are reweighted vector-wise and bit-wise.

    Args:
        schema: the fields.
        embedding_dim: width E of a field's embedding.
        heads: heads of the attention, a divisor of E.
        hidden: widths of the MLP.
        dropout: probability after every MLP layer.

    Raises:
        InputError: E is no multiple of the heads.
    """

    def __init__(
        self,
        schema: FeatureSchema,
        embedding_dim: int = 8,
        heads: int = 4,
        hidden: Sequence[int] = (16, 16),
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        count = len(schema.fields)
        width = count * embedding_dim
        self.embedding = FusedEmbedding(schema, embedding_dim)
        self.first_order = FusedEmbedding(schema, 1)
        self.bias = nn.Parameter(torch.zeros(()))
        self.attention = FieldAttention(embedding_dim, heads, scaled=True)
        self.deep = MLP(width, hidden, dropout)
        self.from_vectors = nn.Linear(width, count, bias=False)
        self.from_bits = nn.Linear(self.deep.out_dim, count, bias=False)

    def forward(self, fields: Tensor) -> Tensor:
        """[N, F] int64 values → [N] logits."""
        embeddings = self.embedding(fields)
        vectors = self.from_vectors(self.attention(embeddings).flatten(1))
        factor = (vectors + self.from_bits(self.deep(embeddings.flatten(1)))).unsqueeze(2)  # [N, F, 1]
        linear: Tensor = (factor * self.first_order(fields)).sum(dim=(1, 2))
        return factorization_machine(factor * embeddings) + linear + self.bias
