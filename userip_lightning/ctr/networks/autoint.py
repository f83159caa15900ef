"""AutoInt+: logit = w · [attention layers(e_1 … e_F); mlp(e_1 … e_F)] + first_order(fields).

Song et al., "AutoInt: Automatic Feature Interaction Learning via Self-Attentive Neural Networks", 2019,
section 4, with the MLP of its variant AutoInt+. Deviations: a first-order part is added, as in public
implementations; the width of the heads, see :mod:`userip_lightning.ctr.layers.attention`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from userip_lightning.ctr.layers.attention import FieldAttention
from userip_lightning.ctr.layers.basic import MLP, FirstOrder, FusedEmbedding
from userip_lightning.ctr.networks.base import CTRNet
from userip_lightning.schema import FeatureSchema


class AutoInt(CTRNet):
    """Self-attention over fields and an MLP over the same embeddings, read out together.

    Args:
        schema: the fields.
        embedding_dim: width E of a field's embedding.
        attention_layers: number of attention layers.
        heads: heads of an attention layer, a divisor of E.
        hidden: widths of the MLP.
        dropout: probability after every MLP layer.

    Raises:
        InputError: E is no multiple of the heads.
    """

    def __init__(
        self,
        schema: FeatureSchema,
        embedding_dim: int = 8,
        attention_layers: int = 3,
        heads: int = 2,
        hidden: Sequence[int] = (16, 16),
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        width = len(schema.fields) * embedding_dim
        self.embedding = FusedEmbedding(schema, embedding_dim)
        self.first_order = FirstOrder(schema)
        layers = [FieldAttention(embedding_dim, heads, scaled=False) for _ in range(attention_layers)]
        self.attention = nn.Sequential(*layers)
        self.deep = MLP(width, hidden, dropout)
        self.output = nn.Linear(width + self.deep.out_dim, 1, bias=False)

    def forward(self, fields: Tensor) -> Tensor:
        """[N, F] int64 values → [N] logits."""
        embeddings = self.embedding(fields)
        both = torch.cat([self.attention(embeddings).flatten(1), self.deep(embeddings.flatten(1))], dim=1)
        logits: Tensor = self.output(both).squeeze(1) + self.first_order(fields)
        return logits
