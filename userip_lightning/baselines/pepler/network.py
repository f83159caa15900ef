"""Continuous prompts of users and items in front of a causal LM (PEPLER, section 4.1).

S = [u, i, e_1, …, e_T, end]        p(e_t | u, i, e_<t) from the hidden state before e_t
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import DynamicCache

from userip_lightning.baselines.pepler.rows import IGNORED

#: Prompts start uniformly in ± this, as the authors' do.
SPREAD = 0.1
#: Prompts in front of a text: the user's and the item's.
PROMPTS = 2


class PEPLERNetwork(nn.Module):
    """Prompts, their inner product as the score, and the LM that reads them.

    Args:
        lm: a ``PreTrainedModel`` with a language-model head.
        users: U users, 1 .. U; 0 is whoever is unknown.
        items: I items, 1 .. I; 0 is whatever is unknown.
    """

    def __init__(self, lm: Any, users: int, items: int) -> None:
        super().__init__()
        width = int(lm.get_input_embeddings().weight.shape[1])
        self.lm = lm
        self.user, self.item = nn.Embedding(users + 1, width), nn.Embedding(items + 1, width)
        for table in (self.user, self.item):
            nn.init.uniform_(table.weight, -SPREAD, SPREAD)

    def score(self, user: Tensor, item: Tensor) -> Tensor:
        """[N], [N] int64 → [N] float32 logits of a click."""
        logit: Tensor = (self.user(user) * self.item(item)).sum(1)
        return logit.float()

    def text_nats(self, user: Tensor, item: Tensor, text: Tensor) -> Tensor:
        """Negative log-likelihood of every token of the texts; vocabulary logits exist where one is.

        Args:
            user: [K] int64.
            item: [K] int64.
            text: [K, T] int64, filled up at the right with IGNORED.

        Returns:
            [targets] float32.
        """
        target = text != IGNORED
        words = self._embed(text[:, :-1].clamp(min=0))
        inputs = torch.cat([self._prompts(user, item), words], dim=1)
        # Without a mask: what fills up stands behind all that counts, and nobody looks back from there.
        hidden = self.lm.base_model(inputs_embeds=inputs, use_cache=False).last_hidden_state
        states = hidden[:, PROMPTS - 1 :][target]
        logits = self.lm.get_output_embeddings()(states).float()
        return F.cross_entropy(logits, text[target], reduction="none")

    @torch.no_grad()
    def explain(self, user: Tensor, item: Tensor, tokens: int, end: int) -> Tensor:
        """The likeliest next token, again and again.

        Args:
            user: [K] int64.
            item: [K] int64.
            tokens: the most to write.
            end: id of the end of text; behind it a row has nothing but this.

        Returns:
            [K, T] int64, T at most ``tokens``.
        """
        cache, inputs = DynamicCache(), self._prompts(user, item)
        ended = torch.zeros_like(user, dtype=torch.bool)
        written: list[Tensor] = []
        while len(written) < tokens and not bool(ended.all()):
            logits = self.lm(inputs_embeds=inputs, past_key_values=cache, use_cache=True).logits
            token = logits[:, -1].argmax(dim=1).masked_fill(ended, end)
            written.append(token)
            ended |= token == end
            inputs = self._embed(token.unsqueeze(1))
        return torch.stack(written, dim=1) if written else user.new_empty(len(user), 0)

    @torch.no_grad()
    def average_unknown(self) -> None:
        """Let prompt 0 be the mean of all others: what is known of somebody unknown."""
        for table in (self.user, self.item):
            table.weight[0] = table.weight[1:].mean(dim=0)

    def _prompts(self, user: Tensor, item: Tensor) -> Tensor:
        """[K, 2, D] in the LM's type."""
        prompts = torch.stack([self.user(user), self.item(item)], dim=1)
        return prompts.to(self.lm.get_input_embeddings().weight.dtype)

    def _embed(self, ids: Tensor) -> Tensor:
        out: Tensor = self.lm.get_input_embeddings()(ids)
        return out
