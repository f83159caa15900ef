"""Logistic regression on user and item: logit = b + b_user + b_item.

A reference that every network should beat: how generous the user is and how good the item. It reads no other
field, so codes cannot help it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from userip_lightning.ctr.layers.basic import FirstOrder
from userip_lightning.ctr.networks.base import CTRNet
from userip_lightning.errors import InputError
from userip_lightning.schema import FeatureSchema

USER_ITEM = ("user_id", "item_id")


def user_item_columns(schema: FeatureSchema) -> list[int]:
    """Columns of the fields ``user_id`` and ``item_id``.

    Raises:
        InputError: one of them is missing.
    """
    names = [field.name for field in schema.fields]
    for name in USER_ITEM:
        if name not in names:
            raise InputError(
                f"This network needs a field {name!r}, which is not among the fields {', '.join(names)}."
            )
    return [names.index(name) for name in USER_ITEM]


class Logistic(CTRNet):
    """One weight per user, one per item and a bias.

    Args:
        schema: the fields; ``user_id`` and ``item_id`` are read.

    Raises:
        InputError: one of the two fields is missing.
    """

    columns: Tensor

    def __init__(self, schema: FeatureSchema) -> None:
        super().__init__()
        columns = user_item_columns(schema)
        self.register_buffer("columns", torch.tensor(columns), persistent=False)
        self.first_order = FirstOrder(FeatureSchema(tuple(schema.fields[column] for column in columns)))

    def forward(self, fields: Tensor) -> Tensor:
        """[N, F] int64 values → [N] logits."""
        logits: Tensor = self.first_order(fields.index_select(1, self.columns))
        return logits
