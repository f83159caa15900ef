"""Frozen vectors as a field of a CTR network: e = W x_v, with x_v the vector of value v and W learned.

The paper feeds its continuous profiles downstream in this way (Table 3, without quantization), as Xi et al.,
"Towards Open-World Recommendation with Knowledge Augmentation", 2024, do with theirs.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from userip_lightning.errors import InputError

#: [N] int64 values → [N, D] rows.
Rows = Callable[[Tensor], Tensor]


class StoredRows:
    """Rows of a matrix by their number, on the device of the numbers.

    Args:
        vectors: [V, D] float32; stays where it is, in main memory or in a memory-mapped file.

    Raises:
        InputError: ``vectors`` is not a matrix of float32.
    """

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        if vectors.ndim != 2 or vectors.dtype != np.float32:
            raise InputError(
                f"vectors of a field: a matrix of float32 was expected, shape {vectors.shape} and type "
                f"{vectors.dtype} given; give one row per value."
            )
        self.vectors = np.asarray(vectors)  # indexing a memmap object costs more than indexing its array

    def __call__(self, values: Tensor) -> Tensor:
        """[N] int64 values → [N, D]."""
        rows = torch.from_numpy(self.vectors.take(values.cpu().numpy(), axis=0))
        return rows.to(values.device)


class FrozenVectors(nn.Module):
    """A learned linear map of rows that nobody trains.

    Several maps may share the rows, of which a batch copies its own to the device. They are in no checkpoint.

    Args:
        vectors: [V, D] float32.
        dim: width E of the output.
        std: of the output's entries before training, for vectors whose entries have variance 1.

    Raises:
        InputError: ``vectors`` is not a matrix of float32.
    """

    rows: Rows
    project: nn.Linear

    def __init__(self, vectors: NDArray[np.float32], dim: int, std: float) -> None:
        super().__init__()
        self.dim = dim
        self.std = std
        self.map_from(StoredRows(vectors), vectors.shape[1])

    def map_from(self, rows: Rows, width: int) -> None:
        """Start the map anew, from other rows: for instance from what a network makes of the stored ones.

        Args:
            rows: gives [N, width] for [N] values. Parameters behind it belong to whoever gives it.
            width: of its rows.
        """
        self.rows = rows
        self.project = nn.Linear(width, self.dim, bias=False)
        nn.init.normal_(self.project.weight, std=self.std / math.sqrt(width))

    def forward(self, values: Tensor) -> Tensor:
        """[N] int64 values → [N, E]."""
        projected: Tensor = self.project(self.rows(values))
        return projected
