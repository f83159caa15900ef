"""Attention with the additive mask of Fig. 4, by whichever kernel is quick for the length at hand.

torch's CPU kernel behind ``sdpa`` is slow backwards on short rows: a layer of 8 rows of 76 tokens in bfloat16
took 21.3 ms forward and backward, two plain matrix products 4.8 ms (docs/benchmarks.md). So short rows on a
CPU take the products, which keep the weights [B, H, Q, K]; everything else takes ``sdpa``, which does not.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward

#: Name under which transformers finds :func:`attend`.
NAME = "userip_lightning"
#: Longest row of keys that takes plain products.
SHORT = 512


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **rest: Any,  # what models hand over differs by architecture; sdpa's own function takes it likewise
) -> tuple[Tensor, Tensor | None]:
    """What a layer of a Hugging Face model asks of its attention function.

    Args:
        module: the layer.
        query: [B, H, Q, d].
        key: [B, G, K, d]; G divides H where heads share keys.
        value: [B, G, K, d].
        attention_mask: [B, 1, Q, K] additive; None is plain causal attention.
        scaling: of the scores; 1/√d where None.
        dropout: 0, as the LM is frozen and in eval mode.
        rest: passed on.

    Returns:
        [B, Q, H, d], and no weights.
    """
    if attention_mask is not None and query.device.type == "cpu" and key.shape[2] <= SHORT:
        return _products(query, key, value, attention_mask, scaling or query.shape[-1] ** -0.5), None
    return sdpa_attention_forward(
        module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **rest
    )


def _products(query: Tensor, key: Tensor, value: Tensor, mask: Tensor, scaling: float) -> Tensor:
    """softmax(scaling · q kᵀ + mask) v, with the queries that share a key in one matrix."""
    batch, heads, queries, width = query.shape
    shared, keys = key.shape[1], key.shape[2]
    rows = (batch * shared, heads // shared * queries)
    bias = mask[..., :keys].expand(batch, heads, queries, keys).reshape(*rows, keys)
    flat = key.reshape(batch * shared, keys, width)
    scores = torch.baddbmm(bias, query.reshape(*rows, width), flat.transpose(1, 2), alpha=scaling)
    mixed = torch.bmm(scores.softmax(-1).to(value.dtype), value.reshape(batch * shared, keys, width))
    return mixed.view(batch, heads, queries, width).transpose(1, 2).contiguous()


AttentionInterface.register(NAME, attend)
