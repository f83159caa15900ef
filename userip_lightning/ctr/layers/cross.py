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


class MixtureCrossNetwork(nn.Module):
    """Cross layers that are gated mixtures of K low-rank experts,

        x_{l+1} = x_0 ⊙ (Σ_k g_k(x_l) U_lk tanh(C_lk tanh(V_lkᵀ x_l)) + b_l) + x_l,   g = softmax(G x_l).

    Wang et al., 2021 (DCN V2), section 3, mixture of low-rank experts. The gates sum to one, so the bias
    stands outside of the sum. All layers share the gate G, as in public implementations.

    Args:
        dim: width D of the input.
        layers: number of cross layers.
        experts: number of experts K.
        rank: width R of an expert.
    """

    def __init__(self, dim: int, layers: int, experts: int, rank: int) -> None:
        super().__init__()
        self.gate = nn.Linear(dim, experts, bias=False)
        self.down = nn.Parameter(torch.empty(layers, experts, rank, dim))  # V
        self.inner = nn.Parameter(torch.empty(layers, experts, rank, rank))  # C
        self.up = nn.Parameter(torch.empty(layers, experts, rank, dim))  # U, transposed
        self.bias = nn.Parameter(torch.zeros(layers, dim))
        for weight in (self.down, self.inner, self.up):
            for layer in range(layers):
                for expert in range(experts):
                    nn.init.xavier_normal_(weight[layer, expert])

    def forward(self, x0: Tensor) -> Tensor:
        """[N, D] → [N, D]."""
        x = x0
        for down, inner, up, bias in zip(self.down, self.inner, self.up, self.bias, strict=True):
            narrow = (x @ down.flatten(0, 1).T).tanh()  # [N, K·R]: all experts side by side
            inner_all = torch.block_diag(*inner)  # type: ignore[no-untyped-call]  # torch left it untyped
            narrow = (narrow @ inner_all.T).tanh()
            gates = self.gate(x).softmax(dim=1).repeat_interleave(inner.shape[1], dim=1)
            x = x0 * ((gates * narrow) @ up.flatten(0, 1) + bias) + x
        return x
