"""log p_LM(text_i | z_c): what a frozen language model expects of items under soft tokens (Eq. 2, 4).

A row of the model holds the prompt of a combination c and several items as independent behaviours, which
the 4-D mask keeps apart; all combinations read the same items, so a table of items × combinations costs the
tokens of the catalogue times M and knows no users.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from userip_lightning.batches import ProfileBatch, RecBatch
from userip_lightning.lm.backbone import FrozenBackbone
from userip_lightning.lm.prompt import PromptTemplate, Tokenizer, build_prefix
from userip_lightning.lm.target_nll import target_nll
from userip_lightning.profile.likelihood import PromptLikelihood
from userip_lightning.profile.prompt_bodies import BodyWriter, Drawn, Tokens


class TitleScores(nn.Module):
    """Scores items under z; differentiable in z.

    Args:
        backbone: the frozen LM.
        tokenizer: the LM's own.
        prompt: profiles, task texts and separator; behaviours have to be independent.
        tokens: token ids of every item, none of them empty.
    """

    def __init__(
        self, backbone: FrozenBackbone, tokenizer: Tokenizer, prompt: PromptTemplate, tokens: Tokens
    ) -> None:
        super().__init__()
        self.lm = PromptLikelihood(backbone, build_prefix(prompt, tokenizer), independent=True)
        self._writer = BodyWriter(prompt, tokenizer)
        self._tokens = tokens

    @property
    def task_texts(self) -> int:
        """G: one, or two where a log says who disliked what."""
        return len(self._writer.heads)

    def forward(self, z: Tensor, items: Sequence[int]) -> Tensor:
        """Log-likelihoods in nats.

        Args:
            z: [M, P, S, D].
            items: n row numbers of ``tokens``.

        Returns:
            [G, n, M] float32.
        """
        batch = self._batch(items, z.device)
        groups, combinations, n = self.task_texts, len(z), len(items)
        many = _repeated(batch, combinations)
        hidden = self.lm.hidden(z.repeat(groups, 1, 1, 1), many)
        row, place = many.target.nonzero(as_tuple=True)
        predicting = hidden[row, len(self.lm.prefix_soft) + many.source[row, place]]
        nats = target_nll(self.lm.backbone.head, predicting, many.ids[row, place])
        item, inside = self._places(items)
        each = nats.new_zeros(groups * combinations, n, int(inside.max()) + 1)
        each[:, item, inside] = -nats.view(len(each), -1)  # a row has every token of every item, in order
        return each.sum(-1).view(groups, combinations, n).transpose(1, 2)

    def _places(self, items: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Of all tokens of the items: which of the items, and which of its tokens."""
        length = torch.from_numpy(self._tokens.length(np.asarray(items, dtype=np.int64)))
        item = torch.arange(len(items)).repeat_interleave(length)
        return item, torch.arange(len(item)) - (length.cumsum(0) - length)[item]

    def _batch(self, items: Sequence[int], device: torch.device) -> ProfileBatch:
        """One row per task text."""
        n = len(items)
        group = np.repeat(np.arange(self.task_texts), n)
        drawn = Drawn(group, group, np.tile(np.asarray(items, dtype=np.int64), self.task_texts))
        bodies = self._writer.write(drawn, self._tokens, self.task_texts)
        users = np.arange(self.task_texts)
        parts = bodies.rows(users, int(bodies.length.max()))
        tensors = {
            name: torch.from_numpy(np.ascontiguousarray(part)).to(device) for name, part in parts.items()
        }
        nothing = torch.zeros(0, dtype=torch.long, device=device)
        rows = RecBatch(nothing, nothing, nothing.float())
        return ProfileBatch(user=torch.from_numpy(users).to(device), rows=rows, **tensors)


def _repeated(batch: ProfileBatch, times: int) -> ProfileBatch:
    """Every row ``times`` times in a row."""
    rows = {
        name: cast(Tensor, part).repeat_interleave(times, dim=0)
        for name, part in batch._asdict().items()
        if name != "rows"
    }
    return ProfileBatch(rows=batch.rows, **rows)
