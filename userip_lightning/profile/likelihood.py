"""Log-likelihood of behaviours given soft tokens (Eq. 2, 4).

    L_lm(u) = -1/|H_u| Σ_t log p(h_t | name_1 z_1 ... name_P z_P task h_<t)

over behaviour tokens alone, averaged per user so that a long history does not drown a short one. BOS and the
names see nothing of a user, so their keys and values are computed once; a row holds soft tokens and body.
Vocabulary logits exist at target positions only. Without z ("no z"), the prefix shrinks to BOS.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from userip_lightning.batches import ProfileBatch
from userip_lightning.lm.backbone import FrozenBackbone, Seen
from userip_lightning.lm.mask import additive, visible
from userip_lightning.lm.prompt import BOS_SEGMENT, Prefix
from userip_lightning.lm.target_nll import target_nll


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
        independent: see :mod:`userip_lightning.lm.mask`.
    """

    def __init__(self, backbone: FrozenBackbone, prefix: Prefix, independent: bool) -> None:
        super().__init__()
        self.backbone = backbone
        self.profiles = len(prefix.soft)
        self.independent = independent
        soft = {place for places in prefix.soft for place in places}
        words = [place for place in range(len(prefix.ids)) if place not in soft]
        bos = [place for place in words if prefix.segment[place] == BOS_SEGMENT]
        self.length, self.bare_length = len(prefix.ids), len(bos)
        for name, values in {
            "ids": prefix.ids,
            "segment": prefix.segment,
            "soft": [place for places in prefix.soft for place in places],
            "words": words,
            "bos": bos,
        }.items():
            self.register_buffer(f"prefix_{name}", torch.tensor(values, dtype=torch.long), persistent=False)
        self.prefix_ids: Tensor
        self.prefix_segment: Tensor
        self.prefix_soft: Tensor
        self.prefix_words: Tensor
        self.prefix_bos: Tensor
        self._seen: dict[object, Seen] = {}

    def forward(self, z: Tensor | None, batch: ProfileBatch) -> Likelihood:
        """Score the bodies of ``batch``.

        Args:
            z: [B, P, S, D] float32, or ``None`` for the likelihood without profiles.
            batch: B bodies.
        """
        soft = 0 if z is None else len(self.prefix_soft)
        hidden = self.hidden(z, batch)
        row, place = batch.target.nonzero(as_tuple=True)
        predicting = hidden[row, soft + batch.source[row, place]]
        nll = target_nll(self.backbone.head, predicting, batch.ids[row, place])
        nats = nll.new_zeros(len(batch.user)).index_add(0, row, nll)
        return Likelihood(nats, batch.target.sum(1).float())

    def hidden(self, z: Tensor | None, batch: ProfileBatch) -> Tensor:
        """[B, P·S + T, D] hidden states of soft tokens and body under the mask of Fig. 4."""
        words = self.prefix_bos if z is None else self.prefix_words
        own = self.prefix_soft[:0] if z is None else self.prefix_soft
        users, length = len(batch.user), len(words) + len(own)
        front = torch.cat([words, own])  # keys: the words that all share, a user's soft tokens, their body
        segment = torch.cat([self.prefix_segment[front].expand(users, -1), batch.segment], 1)
        head = torch.cat([batch.head.new_full((users, length), -1), batch.head], 1)
        valid = torch.cat([batch.valid.new_ones(users, length), batch.valid], 1)
        shown = visible(segment, head, valid, self.profiles, self.independent)[:, len(words) :]
        position = torch.cat([own.expand(users, -1), batch.position + length], 1)
        inputs = self.backbone.embed(batch.ids)
        if z is not None:
            inputs = torch.cat([z.flatten(1, 2).to(inputs.dtype), inputs], 1)
        return self.backbone.hidden(inputs, additive(shown, inputs.dtype), position, self._shared(words))

    def _shared(self, words: Tensor) -> Seen | None:
        """Keys and values of BOS and names: they see no user, so once per precision is enough."""
        if not len(words):
            return None
        autocast = torch.is_autocast_enabled(words.device.type)
        key = (len(words), words.device, self.backbone.dtype, autocast)
        if key not in self._seen:
            segment = self.prefix_segment[words].unsqueeze(0)
            everywhere = torch.ones_like(segment, dtype=torch.bool)
            shown = visible(segment, -torch.ones_like(segment), everywhere, self.profiles, self.independent)
            inputs = self.backbone.embed(self.prefix_ids[words]).unsqueeze(0)
            mask = additive(shown, inputs.dtype)
            self._seen[key] = self.backbone.keys_values(inputs, mask, words.unsqueeze(0))
        return self._seen[key]
