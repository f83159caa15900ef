"""Item side of a surrogate: x_i = q_i + W t_i, a free vector and what is said of the item's text.

t_i are the leading principal components of the items' text vectors, scaled to unit mean square. Without text,
x_i = q_i: the surrogate of the paper and of stage 2. Deviation: the catalogue engine's has the text, for q_i
needs many rows to learn what t_i tells at once.
"""

from __future__ import annotations

import torch
from sklearn.decomposition import PCA
from torch import Tensor, nn

from userip_lightning.ctr.layers.basic import EMBEDDING_STD


class ItemTower(nn.Module):
    """Vectors of items.

    Args:
        items: I, number of items.
        dim: E, width of an item's vector.
        text: [I, D] text vectors, or None.
        text_dim: principal components of the text that are kept, at most.
    """

    text: Tensor  # [I, text_dim], rebuilt from the items' texts and not in checkpoints

    def __init__(self, items: int, dim: int, text: Tensor | None, text_dim: int = 64) -> None:
        super().__init__()
        self.ids = nn.Embedding(items, dim)
        nn.init.normal_(self.ids.weight, std=EMBEDDING_STD)
        self.project: nn.Linear | None = None
        if text is not None:
            components = _components(text, text_dim)
            self.register_buffer("text", components, persistent=False)
            self.project = nn.Linear(components.shape[1], dim, bias=False)
            nn.init.normal_(self.project.weight, std=components.shape[1] ** -0.5 / 2)

    def forward(self, item: Tensor) -> Tensor:
        """[N] int64 item indexes to [N, E]."""
        own: Tensor = self.ids(item)
        if self.project is None:
            return own
        told: Tensor = self.project(self.text[item])
        return own + told


def _components(text: Tensor, count: int) -> Tensor:
    """[I, D] to [I, min(count, I, D)], centred, unit mean square overall."""
    table = text.float().cpu().numpy()
    kept = min(count, *table.shape)
    if not table.std(axis=0).any():  # items of one text, which PCA would divide by its variance
        return text.new_zeros(len(table), kept, dtype=torch.float32)
    scores = PCA(kept, random_state=0).fit_transform(table)
    return torch.from_numpy(scores / (scores**2).mean() ** 0.5).to(text.device, torch.float32)
