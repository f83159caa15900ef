"""Models of every family of transformers, two layers deep and some dozens wide, with random weights."""

import copy
import dataclasses
import inspect
from typing import Any

import torch
from transformers import CONFIG_MAPPING, AutoModelForCausalLM, PreTrainedModel

from userip_lightning.lm import attention

#: Longer than any row of the tests, but for the windows.
_PLACES, _WINDOW = 128, 6
_SIZES = {
    96: "vocab_size vocab_size_per_layer_input",
    _PLACES: "max_position_embeddings n_positions n_ctx max_seq_len max_target_positions",
    _WINDOW: "sliding_window attention_chunk_size",
    48: "intermediate_size ffn_dim d_ff n_inner dff ffn_hidden_size decoder_ffn_dim encoder_ffn_dim",
    32: "hidden_size d_model n_embd emb_dim embedding_size word_embed_proj_dim",
    16: "moe_intermediate_size shared_expert_intermediate_size expert_ffn_hidden_size intermediate_size_mlp "
    "dense_intermediate_size shared_intermediate_size q_lora_rank kv_lora_rank",
    12: "qk_head_dim",
    8: "head_dim qk_nope_head_dim v_head_dim query_pre_attn_scalar",
    4: "num_attention_heads n_head n_heads num_heads decoder_attention_heads attention_heads rotary_dim "
    "qk_rope_head_dim num_experts num_local_experts n_routed_experts moe_num_experts",
    2: "num_hidden_layers n_layer n_layers num_layers decoder_layers num_key_value_heads num_experts_per_tok "
    "moe_topk moe_k eos_token_id",
    1: "n_group topk_group n_shared_experts first_k_dense_replace bos_token_id",
    0: "pad_token_id",
}
SIZES = {name: size for size, names in _SIZES.items() for name in names.split()}
#: Leaves a setting to the family.
DEFAULT: Any = object()
#: More random numbers than this are no tiny model.
_MOST = 3_000_000


def tiny_config(family: str, **own: Any) -> Any:
    """A small configuration; ``own`` settings go before, and those that are ``DEFAULT`` stay out."""
    kind = CONFIG_MAPPING[family]
    known = set(inspect.signature(kind.__init__).parameters)
    known |= {field.name for field in dataclasses.fields(kind)} if dataclasses.is_dataclass(kind) else set()
    sizes = {name: size for name, size in SIZES.items() if name in known}
    return kind(**{name: value for name, value in (sizes | own).items() if value is not DEFAULT})


def build(config: Any, seed: int = 0) -> tuple[PreTrainedModel, PreTrainedModel]:
    """The same model twice, under ``eager`` and under the product's attention.

    Weights are so large that attention is far from even, and what starts at zero or one (sinks, norms,
    biases) is moved from there.
    """
    with torch.device("meta"):
        size = sum(weight.numel() for weight in _model(config, "eager").parameters())
    assert size < _MOST, f"{size} weights"
    torch.manual_seed(seed)
    plain = _model(config, "eager")
    for weight in plain.parameters():
        noise = torch.randn(weight.shape)
        weight.data = weight.data + noise * (0.2 if weight.dim() < 2 else 1.2 * weight.shape[-1] ** -0.5)
    ours = _model(config, attention.kernel("auto", config))
    ours.load_state_dict(plain.state_dict())
    return plain, ours


def _model(config: Any, kernel: str) -> PreTrainedModel:
    make: Any = AutoModelForCausalLM.from_config
    model: PreTrainedModel = make(copy.deepcopy(config), attn_implementation=kernel)
    return model.float().eval().requires_grad_(False)
