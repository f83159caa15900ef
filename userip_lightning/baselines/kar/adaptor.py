"""The hybrid-expert adaptor: vectors of texts become features of a recommender.

Xi et al., "Towards Open-World Recommendation with Knowledge Augmentation from Large Language Models", 2024,
section on knowledge adaptation. With x the vector of a side s (a user's preference, or an item's facts),
experts E that are MLPs, some shared by both sides and some of one side alone,

    α = softmax(G_s x),    x̂_s = Σ_{e ∈ shared} α_e E_e(x) + Σ_{e ∈ dedicated to s} α_e E_e(x)
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from userip_lightning.ctr.layers.basic import MLP
from userip_lightning.errors import InputError

#: Sides of the adaptor.
PREFERENCE, FACT = 0, 1
_SIDES = 2


class HybridExpertAdaptor(nn.Module):
    """Experts for both sides and experts for one, mixed by a gate per side.

    Args:
        in_dim: width D of the vectors.
        shared: number of experts that both sides have.
        dedicated: number of experts that each side has for itself.
        hidden: widths of an expert's layers before its last.
        width: width W of the result.

    Raises:
        InputError: there is no expert, or a layer has no width.
    """

    def __init__(self, in_dim: int, shared: int, dedicated: int, hidden: Sequence[int], width: int) -> None:
        super().__init__()
        if min(shared, dedicated) < 0 or shared + dedicated < 1:
            raise InputError(
                f"net: {shared} shared and {dedicated} dedicated experts leave nobody to adapt knowledge; "
                "give at least one."
            )
        if min([width, *hidden]) < 1:
            raise InputError("net: expert_hidden and width count units of a layer; give numbers from 1 up.")
        layers = [*hidden, width]
        self.shared = nn.ModuleList(MLP(in_dim, layers, 0.0) for _ in range(shared))
        self.dedicated = nn.ModuleList(
            nn.ModuleList(MLP(in_dim, layers, 0.0) for _ in range(dedicated)) for _ in range(_SIDES)
        )
        self.gates = nn.ModuleList(nn.Linear(in_dim, shared + dedicated) for _ in range(_SIDES))

    def forward(self, vectors: Tensor, side: int) -> Tensor:
        """[N, D] → [N, W]; ``side`` is :data:`PREFERENCE` or :data:`FACT`."""
        own = self.dedicated[side]
        assert isinstance(own, nn.ModuleList)
        experts = torch.stack([expert(vectors) for expert in (*self.shared, *own)], dim=1)
        share = self.gates[side](vectors).softmax(dim=1)
        mixed: Tensor = (share.unsqueeze(1) @ experts).squeeze(1)
        return mixed
