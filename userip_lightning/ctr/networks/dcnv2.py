"""DCN V2: logit = w · [cross(x_0); mlp(x_0)] + first_order(fields), with matrix cross layers,

    x_{l+1} = x_0 ⊙ (W_l x_l + b_l) + x_l.

Wang et al., "DCN V2: Improved Deep & Cross Network and Practical Lessons for Web-scale Learning to Rank
Systems", 2021, section 3, parallel structure; x_0 is all field embeddings side by side. W_l has full rank.
Deviation: a first-order linear part is added, as in public implementations.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from userip_lightning.ctr.networks.dcn import DCN


class MatrixCrossNetwork(nn.Module):
    """Cross layers with full-rank matrices: x_{l+1} = x_0 ⊙ (W_l x_l + b_l) + x_l.

    Args:
        dim: width D of the input.
        layers: number of cross layers; the output has interactions of up to order ``layers + 1``.
    """

    def __init__(self, dim: int, layers: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(layers, dim, dim))  # [out, in] each
        self.bias = nn.Parameter(torch.zeros(layers, dim))
        for layer in range(layers):
            nn.init.xavier_normal_(self.weight[layer])

    def forward(self, x0: Tensor) -> Tensor:
        """[N, D] → [N, D]."""
        x = x0
        for weight, bias in zip(self.weight, self.bias, strict=True):
            x = x0 * functional.linear(x, weight, bias) + x
        return x


class DCNv2(DCN):
    """Matrix cross layers and an MLP over the same embeddings, read out together.

    Args:
        schema: the fields.
        embedding_dim: width E of a field's embedding.
        cross_layers: number of cross layers.
        hidden: widths of the MLP.
        dropout: probability after every MLP layer.
    """

    crossing = MatrixCrossNetwork

    def forward(self, fields: Tensor) -> Tensor:
        """[N, F] int64 values → [N] logits."""
        x0 = self.embedding(fields).flatten(1)
        both = torch.cat([self.cross(x0), self.deep(x0)], dim=1)
        logits: Tensor = self.output(both).squeeze(1) + self.first_order(fields)
        return logits
