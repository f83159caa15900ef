"""Texts as the hidden states of a frozen causal LM: the mean over a text's tokens in one of its layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from userip_lightning.errors import InputError
from userip_lightning.lm.control_tokens import plain_texts
from userip_lightning.lm.prompt import encode_item
from userip_lightning.lm.source import LMSource, load_plain_model, load_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_TOKENS = 2048  # of a batch, padding included
_PARTS = 4  #     the model's window is cut to a quarter: a text is a title and not a book


class HiddenStateEncoder:
    """A language model ready for texts; nothing in it is trained.

    Args:
        source: the language model, which may be quantised.
        layer: 0 for the embeddings, then one per block.

    Raises:
        InputError: the model cannot be had, or has fewer layers.
    """

    def __init__(self, source: LMSource, layer: int) -> None:
        self._model: PreTrainedModel = load_plain_model(source)
        self._tokenizer, self._layer = load_tokenizer(source), layer
        config = self._model.config.get_text_config()
        depth = int(config.num_hidden_layers)
        if not 0 <= layer <= depth:
            raise InputError(f"layer: {layer} given, but {source.name!r} has the layers 0 to {depth}.")
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._model.to(self._device)
        window = getattr(config, "max_position_embeddings", _TOKENS)  # Bloom and MPT count without an end
        self._longest = max(1, int(window) // _PARTS)
        self._width = int(config.hidden_size)

    @torch.no_grad()
    def encode(
        self, texts: Sequence[str], progress: Callable[[int, int], None] | None = None
    ) -> NDArray[np.float32]:
        """Vectors of texts.

        Args:
            texts: N of them; those of no tokens get zeros.
            progress: told after every batch how many of how many are done.

        Returns:
            [N, D].
        """
        ids = [
            encode_item(self._tokenizer, text, self._longest) for text in plain_texts(texts, self._tokenizer)
        ]
        vectors = np.zeros((len(texts), self._width), dtype=np.float32)
        batches, done = _batches(ids), 0
        for chosen in batches:
            vectors[chosen] = self._means([ids[at] for at in chosen])
            done += len(chosen)
            if progress is not None:
                progress(done, sum(map(len, batches)))
        return vectors

    def _means(self, rows: list[list[int]]) -> NDArray[np.float32]:
        """Right padding: under a causal mask no token sees what comes after it."""
        width = max(len(row) for row in rows)
        padded = torch.tensor([row + [0] * (width - len(row)) for row in rows], device=self._device)
        length = torch.tensor([[len(row)] for row in rows], device=self._device)
        counted = torch.arange(width, device=self._device) < length
        states = self._model.base_model(
            input_ids=padded, attention_mask=counted.long(), output_hidden_states=True, use_cache=False
        ).hidden_states[self._layer]
        mean = (states.float() * counted.unsqueeze(-1)).sum(1) / length
        return np.asarray(mean.cpu().numpy(), dtype=np.float32)


def _batches(ids: Sequence[Sequence[int]]) -> list[list[int]]:
    """Texts of like length together, empty ones left out."""
    order = sorted((at for at in range(len(ids)) if ids[at]), key=lambda at: len(ids[at]))
    batches: list[list[int]] = []
    for at in order:
        if not batches or (len(batches[-1]) + 1) * len(ids[at]) > _TOKENS:
            batches.append([])
        batches[-1].append(at)
    return batches
