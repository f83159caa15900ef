"""A CTR network that reads knowledge: the adaptor in front of any of the networks.

The adapted vectors of user and item are two more fields, each mapped to the network's embedding width.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from userip_lightning.baselines.kar.adaptor import FACT, PREFERENCE, HybridExpertAdaptor
from userip_lightning.ctr.layers.basic import FusedEmbedding
from userip_lightning.ctr.layers.frozen_vectors import FrozenVectors, StoredRows
from userip_lightning.ctr.networks.base import CTRNet
from userip_lightning.ctr.networks.dcn import DCN
from userip_lightning.errors import InputError
from userip_lightning.schema import FeatureSchema

#: Fields whose vectors are knowledge, and the side of the adaptor that reads them.
SIDES = {"user_knowledge": PREFERENCE, "item_knowledge": FACT}


class _Adapted:
    """Adapted vectors of one field, for the batch at work."""

    def __init__(self) -> None:
        self.rows: Tensor | None = None

    def __call__(self, values: Tensor) -> Tensor:
        """[N, W]; ``values`` are those of the batch, so there is nothing to look up."""
        if self.rows is None:
            raise RuntimeError("adapted vectors exist during KnowledgeNet.forward alone")
        return self.rows


class KnowledgeNet(CTRNet):
    """Any CTR network, with knowledge of user and item adapted to it and trained with it.

    The adaptor runs once per batch and side, on the different users and items of the batch, however many
    embedding tables read the result.

    Args:
        schema: the fields; ``user_knowledge`` and ``item_knowledge`` have vectors of one width.
        net: builds the network that reads them.
        shared_experts: experts that users and items share.
        dedicated_experts: experts of users alone, and as many of items alone.
        expert_hidden: widths of an expert's layers before its last. Not ``hidden``, because a configuration
            that names this class after another network keeps that one's settings of the same names.
        width: width W of an adapted vector.

    Raises:
        InputError: a field of knowledge is missing, the two differ in width, the network reads none, or the
            adaptor's settings are impossible.
    """

    def __init__(
        self,
        schema: FeatureSchema,
        net: Callable[[FeatureSchema], CTRNet] = DCN,
        shared_experts: int = 2,
        dedicated_experts: int = 5,
        expert_hidden: Sequence[int] = (128,),
        width: int = 32,
    ) -> None:
        super().__init__()
        self.columns = _knowledge_columns(schema)
        vectors = {name: schema.fields[column].vectors for name, column in self.columns.items()}
        self.stored = {name: StoredRows(rows) for name, rows in vectors.items() if rows is not None}
        dims = sorted({rows.vectors.shape[1] for rows in self.stored.values()})
        if len(dims) > 1:
            raise InputError(
                f"net: vectors of users and items have the widths {dims[0]} and {dims[1]}; encode both alike."
            )
        self.adaptor = HybridExpertAdaptor(dims[0], shared_experts, dedicated_experts, expert_hidden, width)
        self.network = net(schema)
        self._adapted = {name: _Adapted() for name in SIDES}
        layers = list(_knowledge_layers(self.network))
        if not layers:
            raise InputError(
                f"net: {type(self.network).__name__} reads no knowledge; choose a network that reads every "
                "field."
            )
        for name, layer in layers:
            layer.map_from(self._adapted[name], width)

    def forward(self, fields: Tensor) -> Tensor:
        """[N, F] int64 values → [N] logits."""
        try:
            for name, side in SIDES.items():
                different, place = torch.unique(fields[:, self.columns[name]], return_inverse=True)
                self._adapted[name].rows = self.adaptor(self.stored[name](different), side)[place]
            logits: Tensor = self.network(fields)
            return logits
        finally:
            for adapted in self._adapted.values():
                adapted.rows = None


def _knowledge_columns(schema: FeatureSchema) -> dict[str, int]:
    """Columns of the two fields of knowledge."""
    columns = {field.name: at for at, field in enumerate(schema.fields) if field.vectors is not None}
    for name in SIDES:
        if name not in columns:
            raise InputError(
                f"net: KnowledgeNet needs the field {name!r}, which the data do not have; give "
                "data.knowledge."
            )
    return {name: columns[name] for name in SIDES}


def _knowledge_layers(network: nn.Module) -> Iterator[tuple[str, FrozenVectors]]:
    """Every map of a field of knowledge in the network, with the field's name."""
    for module in network.modules():
        if isinstance(module, FusedEmbedding):
            for at, layer in module.frozen.items():
                if (name := module.names[int(at)]) in SIDES and isinstance(layer, FrozenVectors):
                    yield name, layer
