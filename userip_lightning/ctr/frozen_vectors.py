"""Frozen vectors as a field of a CTR network: e = W x_v, with x_v the vector of value v and W learned.

The paper feeds its continuous profiles downstream in this way (Table 3, without quantization), as Xi et al.,
"Towards Open-World Recommendation with Knowledge Augmentation", 2024, do with theirs.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from userip_lightning.errors import InputError


class FrozenVectors(nn.Module):
    """A learned linear map of rows that nobody trains.

    The rows stay where they are, in main memory or in a memory-mapped file that several maps share, and a
    batch copies its own to the device. They are in no checkpoint.

    Args:
        vectors: [V, D] float32.
        dim: width E of the output.
        std: of the output's entries before training, for vectors whose entries have variance 1.

    Raises:
        InputError: ``vectors`` is not a matrix of float32.
    """

    def __init__(self, vectors: NDArray[np.float32], dim: int, std: float) -> None:
        super().__init__()
        if vectors.ndim != 2 or vectors.dtype != np.float32:
            raise InputError(
                f"vectors of a field: a matrix of float32 was expected, shape {vectors.shape} and type "
                f"{vectors.dtype} given; give one row per value."
            )
        self.vectors = np.asarray(vectors)  # indexing a memmap object costs more than indexing its array
        self.project = nn.Linear(vectors.shape[1], dim, bias=False)
        nn.init.normal_(self.project.weight, std=std / math.sqrt(vectors.shape[1]))

    def forward(self, values: Tensor) -> Tensor:
        """[N] int64 values → [N, E]."""
        rows = torch.from_numpy(self.vectors.take(values.cpu().numpy(), axis=0))
        projected: Tensor = self.project(rows.to(values.device))
        return projected
