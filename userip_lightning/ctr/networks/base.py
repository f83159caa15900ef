"""What every CTR network is: categorical fields in, logits out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

from torch import Tensor, nn

from userip_lightning.ctr.layers.basic import FusedEmbedding


class CTRNet(nn.Module, ABC):
    """A network over the fields of a :class:`~userip_lightning.schema.FeatureSchema`."""

    @abstractmethod
    def forward(self, fields: Tensor) -> Tensor:
        """[N, F] int64 values → [N] logits; the sigmoid belongs to the loss and the metrics."""

    def tables(self) -> Iterator[Tensor]:
        """Every embedding table, first-order ones too: what L2 shrinks and what grows with the users."""
        for module in self.modules():
            if isinstance(module, FusedEmbedding):
                yield module.table.weight

    def row_sparse(self, enabled: bool) -> None:
        """Let gradients of the tables hold the looked-up rows alone (sparse), or whole tables."""
        for module in self.modules():
            if isinstance(module, FusedEmbedding):
                module.table.sparse = enabled
