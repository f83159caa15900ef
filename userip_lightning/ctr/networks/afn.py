"""Adaptive factorization network: products of powers of the fields, with learned exponents,

    logit = w · mlp(c) + first_order(fields),   c_l = exp(Σ_i W_il ln|e_i| + b_l) = e^{b_l} Π_i |e_i|^{W_il}.

Cheng et al., "Adaptive Factorization Network: Learning Adaptive-Order Feature Interactions", 2020, section
"Model": each of the E elements of a vector apart, absolute values held above 1e-7, batch normalization after
the logarithm, after the exponential and in the MLP. Deviation: a first-order part is added, as in public
implementations, and holds the one bias.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from userip_lightning.ctr.layers.basic import MLP, FirstOrder, FusedEmbedding
from userip_lightning.ctr.layers.normalization import BatchNorm
from userip_lightning.ctr.networks.base import CTRNet
from userip_lightning.schema import FeatureSchema

SMALLEST = 1e-7


class LogarithmicTransform(nn.Module):
    """L products of powers of the F fields, for each of the E elements.

    Args:
        fields: number of fields F.
        dim: embedding width E.
        neurons: number of products L.
    """

    def __init__(self, fields: int, dim: int, neurons: int) -> None:
        super().__init__()
        self.after_log = BatchNorm(dim)
        self.exponents = nn.Parameter(torch.empty(fields, neurons))
        self.bias = nn.Parameter(torch.zeros(neurons))
        self.after_exp = BatchNorm(dim)
        nn.init.normal_(self.exponents, std=0.1)  # near no power at all, as in the authors' code

    def forward(self, embeddings: Tensor) -> Tensor:
        """[N, F, E] → [N, E, L]."""
        logs = self.after_log(embeddings.abs().clamp_min(SMALLEST).log().transpose(1, 2))
        products: Tensor = self.after_exp((logs @ self.exponents + self.bias).exp())
        return products


class AFN(CTRNet):
    """An MLP over interactions whose orders are learned.

    Args:
        schema: the fields.
        embedding_dim: width E of a field's embedding.
        neurons: number of learned products L of an element.
        hidden: widths of the MLP.
        dropout: probability after every MLP layer.
    """

    def __init__(
        self,
        schema: FeatureSchema,
        embedding_dim: int = 8,
        neurons: int = 64,
        hidden: Sequence[int] = (16, 16),
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.embedding = FusedEmbedding(schema, embedding_dim)
        self.first_order = FirstOrder(schema)
        self.logarithmic = LogarithmicTransform(len(schema.fields), embedding_dim, neurons)
        self.deep = MLP(embedding_dim * neurons, hidden, dropout, batch_norm=True)
        self.output = nn.Linear(self.deep.out_dim, 1, bias=False)

    def forward(self, fields: Tensor) -> Tensor:
        """[N, F] int64 values → [N] logits."""
        products = self.logarithmic(self.embedding(fields)).flatten(1)
        logits: Tensor = self.output(self.deep(products)).squeeze(1) + self.first_order(fields)
        return logits
