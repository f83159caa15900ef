"""FiBiNET: logit = w · mlp([bilinear(a ⊙ e); bilinear(e)]) + first_order(fields),

    a = ReLU(W_2 ReLU(W_1 mean_E(e)))  (squeeze and excitation),   bilinear(e)_ij = (W_ij e_i) ⊙ e_j.

Huang et al., "FiBiNET: Combining Feature Importance and Bilinear Feature Interaction for Click-Through Rate
Prediction", 2019, section 3, with one W_ij per pair (field-interaction type), shared by both branches as in
public implementations. Deviation: W_2 starts positive. Its input is never negative and has F/3 elements, one
if there are few fields: a field whose weights started negative would stay at importance 0 for good. As
bilinear(e)_ij is linear in e_i and in e_j, bilinear(a ⊙ e)_ij is a_i a_j bilinear(e)_ij and costs no product.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from userip_lightning.ctr.layers.basic import MLP, FirstOrder, FusedEmbedding
from userip_lightning.ctr.layers.interactions import BilinearProducts, PairwiseProducts
from userip_lightning.ctr.networks.base import CTRNet
from userip_lightning.schema import FeatureSchema


class SqueezeExcitation(nn.Module):
    """Importance of every field, from the means of all of them.

    Args:
        fields: number of fields F.
        reduction: how much narrower than F the hidden layer is.
    """

    def __init__(self, fields: int, reduction: int) -> None:
        super().__init__()
        narrow = max(1, fields // reduction)
        self.squeeze = nn.Linear(fields, narrow, bias=False)
        self.excite = nn.Linear(narrow, fields, bias=False)
        nn.init.xavier_normal_(self.squeeze.weight)
        nn.init.xavier_normal_(self.excite.weight)
        with torch.no_grad():
            self.excite.weight.abs_()

    def forward(self, embeddings: Tensor) -> Tensor:
        """[N, F, E] → [N, F] importance, at least 0."""
        importance: Tensor = self.excite(self.squeeze(embeddings.mean(dim=2)).relu()).relu()
        return importance


class FiBiNET(CTRNet):
    """An MLP over bilinear interactions of the embeddings, as they are and by importance.

    Args:
        schema: the fields.
        embedding_dim: width E of a field's embedding.
        reduction: of the squeeze, see :class:`SqueezeExcitation`.
        hidden: widths of the MLP.
        dropout: probability after every MLP layer.
    """

    def __init__(
        self,
        schema: FeatureSchema,
        embedding_dim: int = 8,
        reduction: int = 3,
        hidden: Sequence[int] = (16, 16),
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.embedding = FusedEmbedding(schema, embedding_dim)
        self.first_order = FirstOrder(schema)
        self.importance = SqueezeExcitation(len(schema.fields), reduction)
        self.products = PairwiseProducts(schema)
        self.bilinear = BilinearProducts(schema, embedding_dim)
        self.deep = MLP(2 * len(self.bilinear.left) * embedding_dim, hidden, dropout)
        self.output = nn.Linear(self.deep.out_dim, 1, bias=False)

    def forward(self, fields: Tensor) -> Tensor:
        """[N, F] int64 values → [N] logits."""
        embeddings = self.embedding(fields)
        weights = self.products(self.importance(embeddings).unsqueeze(2))  # [N, P, 1]
        pairs = self.bilinear(embeddings)
        both = torch.cat([weights * pairs, pairs], dim=1).flatten(1)
        logits: Tensor = self.output(self.deep(both)).squeeze(1) + self.first_order(fields)
        return logits
