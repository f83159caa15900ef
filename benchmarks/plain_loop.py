"""The loop that one would write with transformers to tune soft tokens per user on a frozen language model.

A batch of 8 users in random order, padded to the longest; texts tokenised as they come by; ``labels=`` with
-100 outside the titles, so the model makes the logits of the whole vocabulary at every position and averages
the loss; one parameter that holds every user's soft tokens, and AdamW over all of it; no cache. The body is
the paper's (a title sees the titles before it), for ``labels=`` predicts a token from its left neighbour. It
has as many target tokens as the engine's body, where titles do not see each other by default.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.profiler import record_function
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.modeling_outputs import CausalLMOutputWithPast

from userip_lightning.lm.prompt import PromptTemplate

BATCH = 8
IGNORED = -100
#: What a profile calls the work before the model.
DATA = "data"
_PADDING, _BOS = -1, 0


class History(NamedTuple):
    """Texts of one user's items."""

    liked: list[str]
    disliked: list[str]


class Text(NamedTuple):
    """A prompt in tokens; ``ids`` holds 0 where a soft token goes."""

    ids: list[int]
    labels: list[int]
    segment: list[int]  # 0 is BOS, 1 .. P the profiles, P + 1 the body


class Padded(NamedTuple):
    """Prompts side by side."""

    ids: Tensor  #     [B, T] int64
    labels: Tensor  #  [B, T] int64
    segment: Tensor  # [B, T] int64


class PlainLoop:
    """Soft tokens of U users, tuned as described above.

    Args:
        lm: folder or hub name.
        dtype: of the weights; ``None`` is what ``from_pretrained`` chooses.
        prompt: names, task texts, separator and S.
        histories: of U users; with fewer of them, users share them in turn, so that any U can be had.
        start: [U, P, S, D] float32; becomes the parameter.
        rate: learning rate of AdamW.
        behaviours: titles drawn per user and step.
        seed: of order and draws.
    """

    def __init__(
        self,
        lm: str,
        dtype: torch.dtype | None,
        prompt: PromptTemplate,
        histories: Sequence[History],
        start: Tensor,
        rate: float = 0.01,
        behaviours: int = 8,
        seed: int = 0,
    ) -> None:
        chosen = {} if dtype is None else {"dtype": dtype}
        self.model = AutoModelForCausalLM.from_pretrained(lm, **chosen).requires_grad_(False).eval()
        self.tokenizer = AutoTokenizer.from_pretrained(lm)
        self.prompt, self.histories, self.behaviours = prompt, histories, behaviours
        self.z = nn.Parameter(start)
        self.optimizer = torch.optim.AdamW([self.z], lr=rate)
        self.rng = np.random.default_rng(seed)
        self.tokens, self.padding, self.places = 0, 0, 0  # targets, padded places, all places so far

    def epoch(self, users: NDArray[np.int64]) -> None:
        """These users once, in random order."""
        order = self.rng.permutation(users)
        for first in range(0, len(order), BATCH):
            self.step(order[first : first + BATCH])

    def step(self, users: NDArray[np.int64]) -> None:
        """Move these users (and, by stale momentum and decay, all others)."""
        drawn = [self.draw(self.histories[user % len(self.histories)]) for user in users]
        batch = self.pad([self.write(history) for history in drawn])
        self.optimizer.zero_grad()
        self.forward(self.z[torch.from_numpy(users)], batch).loss.backward()
        self.optimizer.step()
        self.tokens += int((batch.labels != IGNORED).sum())
        self.padding += int((batch.segment == _PADDING).sum())
        self.places += batch.segment.numel()

    def forward(self, z: Tensor, batch: Padded) -> CausalLMOutputWithPast:
        """Loss (mean nats per target token) and logits [B, T, V] of the prompts under z [B, P, S, D]."""
        inputs = self.model.get_input_embeddings()(batch.ids)
        soft = (batch.segment > _BOS) & (batch.segment <= z.shape[1]) & (batch.ids == 0)
        inputs[soft] = z.flatten(0, 2).to(inputs.dtype)
        mask = additive_mask(batch.segment, z.shape[1], inputs.dtype)
        out: CausalLMOutputWithPast = self.model(
            inputs_embeds=inputs, attention_mask=mask, labels=batch.labels, use_cache=False
        )
        return out

    @record_function(DATA)
    def draw(self, history: History) -> History:
        """At most ``behaviours`` of the titles, in random order."""
        liked = len(history.liked)
        chosen = self.rng.permutation(liked + len(history.disliked))[: self.behaviours]
        return History(
            [history.liked[at] for at in chosen if at < liked],
            [history.disliked[at - liked] for at in chosen if at >= liked],
        )

    @record_function(DATA)
    def write(self, history: History) -> Text:
        """The prompt that shows these titles."""
        text = Text([self.tokenizer.bos_token_id], [IGNORED], [_BOS])
        for number, profile in enumerate(self.prompt.profiles, start=1):
            self._add(text, profile.text, number, counts=False)
            _extend(text, [0] * self.prompt.soft_tokens, number, counts=False)
        body = len(self.prompt.profiles) + 1
        for head, titles in ((self.prompt.liked, history.liked), (self.prompt.disliked, history.disliked)):
            if titles and head is not None:
                self._add(text, head, body, counts=False)
                for title in titles:
                    self._add(text, title, body, counts=True)
                    self._add(text, self.prompt.separator, body, counts=False)
        return text

    @record_function(DATA)
    def pad(self, texts: Sequence[Text]) -> Padded:
        """Prompts of different lengths to one length, padded on the right."""
        length = max(len(text.ids) for text in texts)
        fills = (int(self.tokenizer.pad_token_id or 0), IGNORED, _PADDING)
        columns = zip(zip(*texts, strict=True), fills, strict=True)
        return Padded(
            *(torch.tensor([row + [fill] * (length - len(row)) for row in rows]) for rows, fill in columns)
        )

    def _add(self, text: Text, words: str, segment: int, counts: bool) -> None:
        _extend(text, self.tokenizer(words, add_special_tokens=False)["input_ids"], segment, counts)


def _extend(text: Text, ids: list[int], segment: int, counts: bool) -> None:
    text.ids.extend(ids)
    text.labels.extend(ids if counts else [IGNORED] * len(ids))
    text.segment.extend([segment] * len(ids))


def additive_mask(segment: Tensor, profiles: int, dtype: torch.dtype) -> Tensor:
    """[B, 1, T, T] of Fig. 4: a profile sees BOS and itself, the body sees everything before it."""
    query, key = segment.unsqueeze(2), segment.unsqueeze(1)
    shown = (key == _BOS) | (query == key) | (query > profiles)
    length = segment.shape[1]
    shown = (shown & (key != _PADDING)).tril() | torch.eye(length, dtype=torch.bool)
    return torch.zeros(shown.shape, dtype=dtype).masked_fill(~shown, torch.finfo(dtype).min).unsqueeze(1)
