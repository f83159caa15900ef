"""Cross layers of DCN V2: every layer multiplies by the input x_0 once more, element by element.

Wang et al., "DCN V2: Improved Deep & Cross Network and Practical Lessons for Web-scale Learning to Rank
Systems", 2021, section 3. The first version's layers, with vectors for weights, are
:class:`userip_lightning.ctr.layers.basic.CrossNetwork`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class MatrixCrossNetwork(nn.Module):
    """Cross layers with full-rank matrices: x_{l+1} = x_0 ⊙ (W_l x_l + b_l) + x_l.

    Wang et al., 2021 (DCN V2), section 3, the cross network.

    Args:
        dim: width D of the input.
        layers: number of cross layers; the output has interactions of up to order ``layers + 1``.
    """

    def __init__(self, dim: int, layers: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(layers, dim, dim))  # [out, in] each
        self.bias = nn.Parameter(torch.zeros(layers, dim))
        for layer in range(layers):
            nn.init.xavier_normal_(self.weight[layer])

    def forward(self, x0: Tensor) -> Tensor:
        """[N, D] → [N, D]."""
        x = x0
        for weight, bias in zip(self.weight, self.bias, strict=True):
            x = x0 * functional.linear(x, weight, bias) + x
        return x
