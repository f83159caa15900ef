"""Likelihoods of items under all combinations of codes: each of them by itself, or as sums over profiles.

    joint     s_ic = log p_LM(text_i | z_{1,k_1}, …, z_{P,k_P})       Π_p K_p passes over the items
    added     s_ic = Σ_p log p_LM(text_i | z_{p,k_p})                 Σ_p K_p passes, a prompt per profile

What both leave out, the mean over combinations, says nothing of classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from userip_lightning.catalogue.soft_tokens import SoftTokens
from userip_lightning.catalogue.title_scores import TitleScores
from userip_lightning.lm.backbone import FrozenBackbone
from userip_lightning.lm.prompt import PromptTemplate, Tokenizer
from userip_lightning.profile.prompt_bodies import Tokens


class JointScores(nn.Module):
    """Every combination is a prompt.

    Args:
        backbone: the frozen LM.
        tokenizer: the LM's own.
        prompt: all profiles, in the order of the codebooks.
        tokens: token ids of every item.
    """

    def __init__(
        self, backbone: FrozenBackbone, tokenizer: Tokenizer, prompt: PromptTemplate, tokens: Tokens
    ) -> None:
        super().__init__()
        self.scores = TitleScores(backbone, tokenizer, prompt, tokens)

    def forward(self, soft_tokens: SoftTokens, items: Sequence[int]) -> Tensor:
        """[G, n, M] log-likelihoods in nats, of G task texts."""
        found: Tensor = self.scores(soft_tokens(), items)
        return found


class AddedScores(nn.Module):
    """Every code is a prompt that names its own profile alone; arguments as for :class:`JointScores`."""

    def __init__(
        self, backbone: FrozenBackbone, tokenizer: Tokenizer, prompt: PromptTemplate, tokens: Tokens
    ) -> None:
        super().__init__()
        alone = [replace(prompt, profiles=[profile]) for profile in prompt.profiles]
        self.parts = nn.ModuleList(TitleScores(backbone, tokenizer, one, tokens) for one in alone)

    def forward(self, soft_tokens: SoftTokens, items: Sequence[int]) -> Tensor:
        """[G, n, M] sums over profiles, in nats."""
        found = [
            part(book.unsqueeze(1), items)[..., soft_tokens.combinations[:, p]]
            for p, (part, book) in enumerate(zip(self.parts, soft_tokens.books, strict=True))
        ]
        return torch.stack(found).sum(0)
