"""Log-likelihood of behaviours given soft tokens (Eq. 2, 4).

    L_lm(u) = -1/|H_u| Σ_t log p(h_t | name_1 z_1 ... name_P z_P task h_<t)

over behaviour tokens alone, averaged per user so that a long history does not drown a short one. Vocabulary
logits exist at target positions only. Without z ("no z"), the prefix shrinks to BOS.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from userip_lightning.batches import ProfileBatch
from userip_lightning.profile.backbone import FrozenBackbone
from userip_lightning.profile.mask import additive, visible
from userip_lightning.profile.prompt import BOS_SEGMENT, Prefix


class Likelihood(NamedTuple):
    """Per user: summed negative log-likelihood in nats, and the number of target tokens."""

    nats: Tensor  #   [B] float32
    tokens: Tensor  # [B] float32

    @property
    def per_token(self) -> Tensor:
        """[B] nats per token; 0 for a user without targets."""
        return self.nats / self.tokens.clamp(min=1)


class PromptLikelihood(nn.Module):
    """Scores behaviours under a frozen LM; differentiable in z.

    Args:
        backbone: the frozen LM.
        prefix: token ids and soft places of the prompt's prefix.
        independent: see :mod:`userip_lightning.profile.mask`.
    """

    def __init__(self, backbone: FrozenBackbone, prefix: Prefix, independent: bool) -> None:
        super().__init__()
        self.backbone = backbone
        self.profiles = len(prefix.soft)
        self.independent = independent
        self.register_buffer("prefix_ids", torch.tensor(prefix.ids), persistent=False)
        self.register_buffer("prefix_segment", torch.tensor(prefix.segment), persistent=False)
        self.register_buffer("soft", torch.tensor(prefix.soft), persistent=False)
        self.prefix_ids: Tensor
        self.prefix_segment: Tensor
        self.soft: Tensor

    def forward(self, z: Tensor | None, batch: ProfileBatch) -> Likelihood:
        """Score the bodies of ``batch``.

        Args:
            z: [B, P, S, D] float32, or ``None`` for the likelihood without profiles.
            batch: B bodies.
        """
        prefix = self.embed_prefix(z, len(batch.user))
        length = prefix.shape[1]
        hidden = self.hidden(prefix, batch)
        row, place = batch.target.nonzero(as_tuple=True)
        predicting = hidden[row, length + batch.source[row, place]]
        nll = F.cross_entropy(self.backbone.logits(predicting), batch.ids[row, place], reduction="none")
        nats = nll.new_zeros(len(batch.user)).index_add(0, row, nll)
        return Likelihood(nats, batch.target.sum(1).float())

    def embed_prefix(self, z: Tensor | None, users: int) -> Tensor:
        """[B, L, D] embeddings of the prefix with z at its soft places, or of BOS alone."""
        if z is None:
            bos = self.prefix_ids[self.prefix_segment == BOS_SEGMENT]
            return self.backbone.embed(bos).expand(users, -1, -1)
        names = self.backbone.embed(self.prefix_ids).expand(users, -1, -1)
        # index_copy keeps the graph to z and never writes into the frozen embeddings
        return names.index_copy(1, self.soft.flatten(), z.flatten(1, 2).to(names.dtype))

    def hidden(self, prefix: Tensor, batch: ProfileBatch) -> Tensor:
        """[B, L + T, D] hidden states of prefix and body under the mask of Fig. 4."""
        users, length = prefix.shape[:2]
        segment = torch.cat([self.prefix_segment[:length].expand(users, -1), batch.segment], 1)
        head = torch.cat([batch.head.new_full((users, length), -1), batch.head], 1)
        valid = torch.cat([batch.valid.new_ones(users, length), batch.valid], 1)
        shown = visible(segment, head, valid, self.profiles, self.independent)
        position = torch.arange(length, device=prefix.device).expand(users, -1)
        position = torch.cat([position, batch.position + length], 1)
        inputs = torch.cat([prefix, self.backbone.embed(batch.ids)], 1)
        return self.backbone.hidden(inputs, additive(shown, inputs.dtype), position)
