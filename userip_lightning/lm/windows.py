"""Windows of attention, per kind of layer, in the mask of Fig. 4.

transformers takes a 4-D mask as it is, so whoever gives one has to put the windows in: of w tokens, that a
query at position p sees keys from p - w + 1 on (Mistral, Gemma), or of chunks of w, that it sees those of its
own chunk (Llama 4). Positions count and not places in the row, because the branches of a prompt are parallel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

#: Kinds of layers in ``layer_types``, and the setting that says how far their attention reaches.
_SETTINGS = {
    "full_attention": None,
    "sliding_attention": "sliding_window",
    "chunked_attention": "attention_chunk_size",
}
KNOWN_LAYERS = frozenset(_SETTINGS)
#: Settings that hold a window.
SETTINGS = tuple(name for name in _SETTINGS.values() if name)


class Window(NamedTuple):
    """How far a layer sees.

    Args:
        size: w in tokens.
        chunks: the window does not slide.
    """

    size: int
    chunks: bool

    def covers(self, query: Tensor, key: Tensor) -> Tensor:
        """[B, T] and [B, K] positions to [B, T, K] bool."""
        query, key = query.unsqueeze(2), key.unsqueeze(1)
        if self.chunks:
            return query // self.size == key // self.size
        return query - key < self.size


def windows_of(config: PreTrainedConfig) -> dict[str, Window]:
    """Kind of layer to its window; empty where every layer sees everything.

    Args:
        config: of a causal LM, from transformers. Without ``layer_types`` all layers are of one kind.
    """
    text = config.get_text_config()
    sizes: dict[str, Any] = {name: getattr(text, name, None) for name in SETTINGS}
    kinds = set(getattr(text, "layer_types", None) or ())
    if not kinds:
        kinds = {next((kind for kind, name in _SETTINGS.items() if name and sizes[name]), "full_attention")}
    found = {}
    for kind in kinds & KNOWN_LAYERS:
        setting = _SETTINGS[kind]
        if setting and sizes[setting]:
            found[kind] = Window(int(sizes[setting]), kind == "chunked_attention")
    return found


def windowed(
    config: PreTrainedConfig, mask: Tensor, query: Tensor, key: Tensor
) -> Tensor | dict[str, Tensor]:
    """The mask, or one for every kind of layer, as models with several kinds take it.

    Args:
        config: of the LM.
        mask: [B, 1, T, K] additive.
        query: [B, T] positions.
        key: [B, K] positions; none is beyond K.
    """
    windows = {kind: one for kind, one in windows_of(config).items() if one.size < mask.shape[-1]}
    if not windows:
        return mask
    lowest = torch.finfo(mask.dtype).min
    narrow = {
        kind: mask.masked_fill(~window.covers(query, key).unsqueeze(1), lowest)
        for kind, window in windows.items()
    }
    kinds = set(getattr(config.get_text_config(), "layer_types", None) or windows)
    if len(kinds) == 1:
        return next(iter(narrow.values()))
    return {kind: narrow.get(kind, mask) for kind in kinds}
