"""Field-aware factorization machine: logit = Σ_{i<j} ⟨v_{i,j}, v_{j,i}⟩ + first_order(fields).

Juan et al., "Field-aware Factorization Machines for CTR Prediction", 2016, section 3; v_{i,j} is what the
value of field i shows to field j. Deviation: bias and linear weights, which the paper leaves out of its
formula, are there. With the two fields user and item this is biased matrix factorization.
"""

from __future__ import annotations

from torch import Tensor

from userip_lightning.ctr.layers.basic import FirstOrder
from userip_lightning.ctr.layers.interactions import FieldAwareProducts
from userip_lightning.ctr.networks.base import CTRNet
from userip_lightning.schema import FeatureSchema


class FFM(CTRNet):
    """Every value has one vector for each of the other fields.

    Args:
        schema: the fields.
        embedding_dim: width E of each vector; a value has F-1 of them.
    """

    def __init__(self, schema: FeatureSchema, embedding_dim: int = 8) -> None:
        super().__init__()
        self.products = FieldAwareProducts(schema, embedding_dim)
        self.first_order = FirstOrder(schema)

    def forward(self, fields: Tensor) -> Tensor:
        """[N, F] int64 values → [N] logits."""
        logits: Tensor = self.products(fields).sum(dim=(1, 2)) + self.first_order(fields)
        return logits
