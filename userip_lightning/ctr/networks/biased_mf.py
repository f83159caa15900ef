"""Biased matrix factorization: logit = b + b_user + b_item + ⟨p_user, q_item⟩.

Koren, Bell and Volinsky, "Matrix Factorization Techniques for Recommender Systems", 2009, Eq. 4, under a
logistic loss. A reference: it reads no other field, so codes cannot help it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from userip_lightning.ctr.layers.basic import FirstOrder, FusedEmbedding
from userip_lightning.ctr.networks.base import CTRNet
from userip_lightning.ctr.networks.logistic import user_item_columns
from userip_lightning.schema import FeatureSchema


class BiasedMF(CTRNet):
    """A bias and a vector for every user and every item.

    Args:
        schema: the fields; ``user_id`` and ``item_id`` are read.
        embedding_dim: width E of the vectors.

    Raises:
        InputError: one of the two fields is missing.
    """

    columns: Tensor

    def __init__(self, schema: FeatureSchema, embedding_dim: int = 8) -> None:
        super().__init__()
        columns = user_item_columns(schema)
        read = FeatureSchema(tuple(schema.fields[column] for column in columns))
        self.register_buffer("columns", torch.tensor(columns), persistent=False)
        self.embedding = FusedEmbedding(read, embedding_dim)
        self.first_order = FirstOrder(read)

    def forward(self, fields: Tensor) -> Tensor:
        """[N, F] int64 values → [N] logits."""
        read = fields.index_select(1, self.columns)
        users, items = self.embedding(read).unbind(dim=1)
        logits: Tensor = (users * items).sum(dim=1) + self.first_order(read)
        return logits
