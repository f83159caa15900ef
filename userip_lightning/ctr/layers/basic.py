"""Layers that CTR networks share. N rows, F fields, E field-embedding width.

Weights start where Xavier puts them, embeddings at a small normal; a network whose paper starts elsewhere
says so in its own file.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from userip_lightning.ctr.layers.frozen_vectors import FrozenVectors
from userip_lightning.ctr.layers.normalization import BatchNorm
from userip_lightning.schema import FeatureSchema

EMBEDDING_STD = 1e-2


class FusedEmbedding(nn.Module):
    """All fields in one table: value v of field f is row offset_f + v, so that a batch is one lookup.

    A value beyond its field's size would read the next field's rows; whoever builds the input checks it.
    A field with vectors has no rows; a linear map of its vectors takes their place.

    Args:
        schema: the fields.
        dim: embedding width E.
    """

    columns: Tensor
    offsets: Tensor
    order: Tensor

    def __init__(self, schema: FeatureSchema, dim: int) -> None:
        super().__init__()
        frozen = {at: f.vectors for at, f in enumerate(schema.fields) if f.vectors is not None}
        learned = [at for at in range(len(schema.fields)) if at not in frozen]
        self.names = tuple(field.name for field in schema.fields)
        self.table = nn.Embedding(schema.total, dim)
        self.frozen = nn.ModuleDict(
            {str(at): FrozenVectors(vectors, dim, EMBEDDING_STD) for at, vectors in frozen.items()}
        )
        order = torch.tensor([*learned, *frozen]).argsort()  # from learned fields first to the schema's order
        self.register_buffer("columns", torch.tensor(learned), persistent=False)
        self.register_buffer("offsets", torch.tensor(schema.offsets)[learned], persistent=False)
        self.register_buffer("order", order, persistent=False)
        nn.init.normal_(self.table.weight, std=EMBEDDING_STD)

    def forward(self, fields: Tensor) -> Tensor:
        """[N, F] int64 values → [N, F, E] embeddings."""
        if not self.frozen:
            rows: Tensor = self.table(fields + self.offsets)
            return rows
        rows = self.table(fields[:, self.columns] + self.offsets)
        mapped = [vectors(fields[:, int(at)]).unsqueeze(1) for at, vectors in self.frozen.items()]
        return torch.cat([rows, *mapped], dim=1)[:, self.order]


class FirstOrder(nn.Module):
    """Linear part of a CTR network: one weight per value of every field, and the global bias."""

    def __init__(self, schema: FeatureSchema) -> None:
        super().__init__()
        self.weight = FusedEmbedding(schema, 1)
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, fields: Tensor) -> Tensor:
        """[N, F] int64 values → [N] logits."""
        weights: Tensor = self.weight(fields)
        return weights.sum(dim=(1, 2)) + self.bias


class CrossNetwork(nn.Module):
    """Cross layers in vector form: x_{l+1} = x_0 (x_l · w_l) + b_l + x_l.

    Wang et al., "Deep & Cross Network for Ad Click Predictions", 2017, Eq. 3. By induction every x_l is
    a_l x_0 + t_l with one number a_l per row and one vector t_l for all rows, where

        a_{l+1} = a_l (1 + x_0 · w_l) + t_l · w_l,   t_{l+1} = t_l + b_l,   a_0 = 1, t_0 = 0,

    so all layers cost one matrix product and one pass over x_0.

    Args:
        dim: width D of the input.
        layers: number of cross layers; the output has interactions of up to order ``layers + 1``.
    """

    def __init__(self, dim: int, layers: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(layers, dim))
        self.bias = nn.Parameter(torch.zeros(layers, dim))
        nn.init.xavier_normal_(self.weight)

    def forward(self, x0: Tensor) -> Tensor:
        """[N, D] → [N, D]."""
        if not len(self.weight):
            return x0
        scale = self._scale((x0 @ self.weight.T).unbind(1))
        return torch.addcmul(self.bias.sum(0), x0, scale.unsqueeze(1))

    def project(self, x0: Tensor, direction: Tensor) -> Tensor:
        """``forward(x0) @ direction`` without the [N, D] in between: [N, D] and [D] → [N]."""
        if not len(self.weight):
            return x0 @ direction
        *dots, along = (x0 @ torch.cat([self.weight, direction.unsqueeze(0)]).T).unbind(1)
        return torch.addcmul(self.bias.sum(0) @ direction, self._scale(dots), along)

    def _scale(self, dots: Sequence[Tensor]) -> Tensor:
        """a_L of every row, [N], from its L numbers x_0 · w_l."""
        shifts = (self.bias @ self.weight.T).triu(1).sum(0).unbind()  # t_l · w_l; t_l has the biases below l
        scale = 1 + dots[0]
        for dot, shift in zip(dots[1:], shifts[1:], strict=True):
            scale = torch.addcmul(scale + shift, scale, dot)
        return scale


class Dropout(nn.Dropout):
    """torch's dropout with a faster mask on a CPU, where Bernoulli numbers take longer than a layer."""

    def forward(self, input: Tensor) -> Tensor:
        """Any shape → the same: entries are 0 with probability p, otherwise 1 / (1 - p) times as large."""
        if not self.training or not 0 < self.p < 1 or input.device.type != "cpu":
            return super().forward(input)
        # float32, because a half-precision uniform number is too coarse for the probability
        kept = torch.rand_like(input, dtype=torch.float32).ge_(self.p).div_(1 - self.p)
        return input * kept.to(input.dtype)


class MLP(nn.Sequential):
    """Linear, ReLU, dropout for every width of ``hidden``; the identity where ``hidden`` is empty.

    Args:
        in_dim: width of the input.
        hidden: widths of the layers.
        dropout: probability after every layer.
        batch_norm: normalize over the batch before every ReLU.
    """

    def __init__(self, in_dim: int, hidden: Sequence[int], dropout: float, batch_norm: bool = False) -> None:
        super().__init__()
        self.out_dim = in_dim
        for width in hidden:
            linear = nn.Linear(self.out_dim, width, bias=not batch_norm)  # the norm would undo a bias
            nn.init.xavier_normal_(linear.weight)
            if linear.bias is not None:
                nn.init.zeros_(linear.bias)
            self.extend([linear, *([BatchNorm(width)] if batch_norm else []), nn.ReLU(), Dropout(dropout)])
            self.out_dim = width
