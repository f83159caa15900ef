"""Attention with the additive mask of Fig. 4, by whichever kernel is quick for the length at hand.

torch's CPU kernel behind ``sdpa`` is slow backwards on short rows: a layer of 8 rows of 76 tokens in bfloat16
took 21.3 ms forward and backward, two plain matrix products 4.8 ms (docs/benchmarks.md). So short rows on a
CPU take the products, which keep the weights [B, H, Q, K]; everything else takes ``sdpa``, which does not.
A cap of the scores (Gemma 2) takes the products everywhere, for no other kernel at hand knows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, eager_mask

from userip_lightning.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

#: Name under which transformers finds :func:`attend`.
NAME = "userip_lightning"
#: Longest row of keys that takes plain products.
SHORT = 512

#: What models hand over that changes nothing under a mask that says who sees whom: windows are in the mask
#: (:mod:`userip_lightning.lm.windows`), the rest tells other kernels about lengths, caches and outputs.
_SAID_BY_THE_MASK = frozenset(
    {
        *("sliding_window", "is_causal", "position_ids", "cache_position", "deterministic"),
        *("cu_seq_lens_q", "cu_seq_lens_k", "max_length_q", "max_length_k"),
        *("use_cache", "return_dict", "logits_to_keep", "num_items_in_batch"),
        *("output_attentions", "output_hidden_states", "output_router_logits"),
    }
)


def kernel(chosen: str, config: PreTrainedConfig) -> str:
    """``attn_implementation`` of transformers for ``lm.attention``.

    Args:
        chosen: ``auto``, or a name that transformers knows.
        config: of a causal LM. Families that choose among attention classes of their own (GPT-J, Falcon)
            take no function, so that ``auto`` is one of these.
    """
    if chosen != "auto":
        return chosen
    model: Any = MODEL_FOR_CAUSAL_LM_MAPPING[type(config)]
    if model._can_set_attn_implementation() and (model._supports_sdpa or model._supports_attention_backend):
        return NAME
    return "sdpa" if model._supports_sdpa else "eager"


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    s_aux: Tensor | None = None,
    softcap: float | None = None,
    position_bias: Tensor | None = None,
    **rest: object,  # what models hand over differs by architecture
) -> tuple[Tensor, None]:
    """What a layer of a Hugging Face model asks of its attention function.

    Args:
        module: the layer.
        query: [B, H, Q, d].
        key: [B, G, K, d]; G divides H where heads share keys.
        value: [B, G, K, e].
        attention_mask: [B, 1, Q, K] additive; None is plain causal attention.
        scaling: of the scores; 1/√d where None.
        dropout: 0, as the LM is frozen and in eval mode.
        s_aux: [H] or [1, H, 1, 1] sinks, scores of a further key without a value (GPT-OSS).
        softcap: c of scores c·tanh(score / c), before the mask is added (Gemma 2).
        position_bias: [1 or B, 1 or H, Q, K] added to the scores.
        rest: nothing that would change the result.

    Returns:
        [B, Q, H, e], and no weights.

    Raises:
        InputError: the layer hands over something that is not known here, so its result would be wrong.
    """
    _refuse_unknown(module, rest)
    if attention_mask is None:
        if any(given is not None for given in (s_aux, softcap, position_bias)):
            raise InputError(
                f"lm.attention: {type(module).__name__} asks for sinks, a cap or a bias of its scores and "
                "has no mask; set lm.attention to eager."
            )
        return sdpa_attention_forward(module, query, key, value, None, dropout=dropout, scaling=scaling)
    mask = attention_mask[..., : key.shape[2]]
    if position_bias is not None:
        mask = mask + position_bias.to(mask.dtype)
    if s_aux is not None:
        key, value, mask = _with_sinks(key, value, mask, s_aux)
    if softcap is not None or (query.device.type == "cpu" and key.shape[2] <= SHORT):
        scale = query.shape[-1] ** -0.5 if scaling is None else scaling
        return _products(query, key, value, mask, scale, softcap), None
    mixed: Tensor = sdpa_attention_forward(module, query, key, value, mask, dropout=dropout, scaling=scaling)[
        0
    ]
    return mixed, None


def _refuse_unknown(module: nn.Module, rest: dict[str, object]) -> None:
    unknown = [name for name, given in rest.items() if given is not None and name not in _SAID_BY_THE_MASK]
    if unknown:
        raise InputError(
            f"lm.attention: {type(module).__name__} hands its attention {', '.join(unknown)}, which 'auto' "
            "does not know and must not drop; set lm.attention to eager."
        )


def _with_sinks(key: Tensor, value: Tensor, mask: Tensor, sinks: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """A further key of zeros, which every query scores 0, with the sinks in its mask and no value."""
    rows, heads = len(key), sinks.numel()
    shape = (rows, heads, *mask.shape[2:])
    column = sinks.to(mask.dtype).view(1, heads, 1, 1).expand(rows, heads, mask.shape[2], 1)
    wider = torch.cat([mask.expand(shape), column], -1)
    return F.pad(key, (0, 0, 0, 1)), F.pad(value, (0, 0, 0, 1)), wider


def _products(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor, scaling: float, softcap: float | None
) -> Tensor:
    """softmax(scaling · q kᵀ + mask) v, with the queries that share a key in one matrix."""
    batch, heads, queries, width = query.shape
    shared, keys = key.shape[1], key.shape[2]
    rows = (batch * shared, heads // shared * queries)
    bias = mask.expand(batch, heads, queries, keys).reshape(*rows, keys)
    flat, flat_query = key.reshape(batch * shared, keys, width).transpose(1, 2), query.reshape(*rows, width)
    if softcap is None:
        scores = torch.baddbmm(bias, flat_query, flat, alpha=scaling)
    else:
        scores = bias + softcap * torch.tanh(torch.bmm(flat_query, flat) * (scaling / softcap))
    mixed = torch.bmm(scores.softmax(-1).to(value.dtype), value.reshape(batch * shared, keys, -1))
    return mixed.view(batch, heads, queries, -1).transpose(1, 2).contiguous()


AttentionInterface.register(NAME, attend)
# without one, transformers would give :func:`attend` no mask where it is given none
AttentionMaskInterface.register(NAME, eager_mask)
