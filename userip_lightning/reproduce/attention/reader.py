"""Attention that the words of a sentence pay to every profile's soft tokens.

Soft tokens come first and the model is causal, so the words are the queries: of a word's attention, which
sums to one over all that it sees, the part that goes to the soft tokens of a profile. The sentence is the
prompt's own: task text and an item, under the mask of Fig. 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from userip_lightning.lm.backbone import FrozenBackbone, load_backbone
from userip_lightning.lm.mask import additive, visible
from userip_lightning.lm.prompt import PromptTemplate, build_prefix, encode_item
from userip_lightning.lm.source import LMSource, load_tokenizer
from userip_lightning.profile.prompt_bodies import BodyWriter, Drawn, Tokens
from userip_lightning.report.statistics.metrics import Floats

_SPACES = ("Ġ", "▁")
_FIRST = np.zeros(1, dtype=np.int64)


class Word(NamedTuple):
    """A word of the sentence.

    Args:
        text: as it is written.
        content: whether it belongs to the item; words of the task text are filler.
        tokens: its places in the body.
    """

    text: str
    content: bool
    tokens: list[int]


class Read(NamedTuple):
    """A sentence that was read under several soft tokens.

    Args:
        words: with a letter, in order.
        weight: [C, L, P, W] mean over heads and over a word's tokens, summed over a profile's soft tokens.
    """

    words: list[Word]
    weight: Floats


class AttentionReader:
    """Reads sentences with a frozen language model; it is loaded at once.

    Args:
        source: the language model; its attention is computed plainly, whatever the source says.
        prompt: names, task text.

    Raises:
        InputError: the model cannot be had.
    """

    def __init__(self, source: LMSource, prompt: PromptTemplate) -> None:
        self.tokenizer: Any = load_tokenizer(source)
        plain = replace(source, attention="eager", sharded=False)  # other kernels keep no weights
        self.backbone: FrozenBackbone = load_backbone(plain).to(
            "cuda" if torch.cuda.is_available() else "cpu"
        )
        self.prompt = prompt
        self._prefix = build_prefix(prompt, self.tokenizer)
        self._writer = BodyWriter(prompt, self.tokenizer)

    @property
    def layers(self) -> int:
        """Of the model."""
        return int(self.backbone.model.config.get_text_config().num_hidden_layers)

    def words(self, item: str) -> list[Word]:
        """Words of the sentence about an item that have a letter; its text is content, the task filler."""
        head, ids = self._writer.heads[0], self._encode(item)
        return self._words(head, False, 0) + self._words(ids, True, len(head))

    @torch.no_grad()
    def read(self, z: NDArray[np.float32], item: str) -> Read:
        """Attention of the sentence about an item.

        Args:
            z: [C, P, S, D] soft tokens to read it with.
            item: its text, as the prompt writes it.
        """
        body = self._body(item)
        words = self.words(item)
        weight = self._attention(torch.from_numpy(z).to(self.backbone.words.device), body)
        return Read(words, np.stack([weight[..., word.tokens].mean(-1) for word in words], axis=-1))

    def _encode(self, item: str) -> list[int]:
        return encode_item(self.tokenizer, item, self.prompt.item_max_tokens)

    def _body(self, item: str) -> dict[str, Tensor]:
        tokens = Tokens.of([self._encode(item)])
        rows = self._writer.write(Drawn(_FIRST, _FIRST, _FIRST), tokens, 1)
        columns = rows.rows(_FIRST, int(rows.length[0]))
        return {name: torch.from_numpy(values) for name, values in columns.items()}

    def _attention(self, z: Tensor, body: dict[str, Tensor]) -> Floats:
        """[C, L, P, T] of all tokens of the body."""
        count, device = len(z), z.device
        front = torch.tensor([self._prefix.ids], device=device)
        length, soft = front.shape[1], torch.tensor(self._prefix.soft, device=device)
        inputs = self.backbone.embed(torch.cat([front, body["ids"].to(device)], 1)).repeat(count, 1, 1)
        inputs[:, soft.flatten()] = z.flatten(1, 2).to(inputs.dtype)
        segment = torch.cat([torch.tensor([self._prefix.segment]), body["segment"]], 1)
        head = torch.cat([torch.full((1, length), -1), body["head"]], 1)
        shown = visible(
            segment, head, torch.ones_like(segment, dtype=torch.bool), len(soft), self.prompt.independent
        )
        position = torch.cat([torch.arange(length)[None], body["position"] + length], 1).to(device)
        mask = additive(shown.to(device), inputs.dtype).expand(count, -1, -1, -1)
        layers = self.backbone.attentions(inputs, mask, position.expand(count, -1))
        by_head = torch.stack(
            [layer[:, :, length:, :].float().mean(1) for layer in layers], 1
        )  # [C, L, T, K]
        paid = torch.stack([by_head[..., places].sum(-1) for places in soft], 2)
        return paid.double().cpu().numpy()

    def _words(self, ids: Sequence[int], content: bool, first: int) -> list[Word]:
        """Tokens by word: one that begins with a space begins a word."""
        groups: list[list[int]] = []
        for place, token in enumerate(self.tokenizer.convert_ids_to_tokens(list(ids))):
            if not groups or token.startswith(_SPACES):
                groups.append([])
            groups[-1].append(place)
        found = []
        for group in groups:
            text = self.tokenizer.decode([ids[place] for place in group]).strip()
            if any(sign.isalpha() for sign in text):
                found.append(Word(text, content, [first + place for place in group]))
        return found
