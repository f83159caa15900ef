"""How the product takes every family of transformers, and the settings of its tiny model.

The table of docs/language_models.md is checked against this one.
"""

from typing import Any, NamedTuple

from tests.lm.tiny_models import DEFAULT, SIZES, tiny_config

RIGHT = "right"


class Family(NamedTuple):
    """A family.

    Args:
        reading: RIGHT, or a piece of the refusal.
        settings: on top of the small sizes; None where the family's own configuration tells already, so that
            no model is built.
    """

    reading: str
    settings: dict[str, Any] | None


_PLAIN: dict[str, Any] = {}
_ROTARY = {"rope_type": "default", "rope_theta": 10000.0}
_MIXED = {"layer_types": ["sliding_attention", "full_attention"]}
_CHUNKED = {"layer_types": ["chunked_attention", "full_attention"], "no_rope_layers": [1, 0]}
_LATENT = {"num_key_value_heads": 4}
_WINDOWS = {"use_sliding_window": True, "max_window_layers": 1}
_THETA = {"layer_rope_theta": [10000.0, 10000.0]}
_VISION = {
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 8,
    "patch_size": 4,
}
_AUDIO = {"hidden_size": 16, "intermediate_size": 16, "num_blocks": 1, "num_attention_heads": 2}
_SEES = {
    "hidden_size": 16,
    "output_channels": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 32,
    "patch_size": 16,
    "mlp_dim": 16,
}
_SHAPE = (
    *("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"),
    *("num_key_value_heads", "max_position_embeddings", "pad_token_id", "bos_token_id", "eos_token_id"),
)
_PLAIN_TEXT = {name: SIZES[name] for name in _SHAPE}
_BYTES = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 4}


def _text(family: str, **own: Any) -> dict[str, Any]:
    """The text model of a composite family."""
    made: dict[str, Any] = tiny_config(family, **own).to_dict()
    return made


def _right() -> dict[str, dict[str, Any]]:
    alike = (
        "apertus arcee aria_text biogpt bitnet codegen ctrl diffllama doge ernie4_5 "
        "flex_olmo gemma glm glm4 glm4_moe gpt-sw3 gpt2 gpt_bigcode gpt_neox gpt_neox_japanese gptj granite "
        "granitemoe granitemoeshared helium hunyuan_v1_dense hunyuan_v1_moe hy_v3 hyperclovax internlm3 "
        "iquestcoder jais2 llama minimax_m2 ministral ministral3 mistral mixtral nemotron olmo olmo2 olmoe "
        "opt persimmon phi phimoe seed_oss solar_open stablelm starcoder2 xglm"
    )
    windows = (
        "afmoe cwm exaone4 exaone_moe flint gemma3_text gemma4_unified_text gpt_oss kolibri1 mellum "
        "mimo_v2_flash olmo3 dots1"
    )
    latent = ("axk1", "deepseek_v2", "deepseek_v3", "glm4_moe_lite", "youtu")
    return {
        **dict.fromkeys(alike.split(), _PLAIN),
        **dict.fromkeys(windows.split(), _MIXED),
        **dict.fromkeys(latent, _LATENT),
        **dict.fromkeys(("qwen2", "qwen2_moe", "qwen3", "qwen3_moe"), _WINDOWS),
        **dict.fromkeys(("granite_swa", "granitemoe_swa"), _MIXED | _THETA),
        "cohere_compass_text": _MIXED
        | {"rope_parameters": dict.fromkeys(_MIXED["layer_types"], _ROTARY | {"mrope_section": [2, 1, 1]})},
        "dbrx": {
            "attn_config": {"kv_n_heads": 2, "clip_qkv": 8, "rope_theta": 10000.0},
            "ffn_config": {
                "hidden_size": 32,
                "ffn_hidden_size": 32,
                "moe_num_experts": 4,
                "moe_top_k": 2,
            },
        },
        "emu3": {"text_config": _PLAIN_TEXT},
        "ernie4_5_moe": {"moe_layer_start_index": 0, "moe_layer_end_index": 1},
        "falcon": {"num_kv_heads": 4},
        "fuyu": {"text_config": _text("persimmon")},
        "gemma3": {
            "text_config": _text("gemma3_text", **_MIXED),
            "vision_config": _VISION,
            "mm_tokens_per_image": 1,
        },
        "gemma4_unified": {
            "text_config": _text("gemma4_unified_text", **_MIXED),
            "vision_config": None,
            "audio_config": None,
            "image_token_id": 90,
            "audio_token_id": 91,
            "video_token_id": 92,
            "boi_token_id": 93,
            "eoi_token_id": 94,
            "boa_token_id": 95,
        },
        "git": {"vision_config": _VISION},
        "got_ocr2": {"text_config": _text("qwen2"), "vision_config": _SEES},
        "hrm_text": {"num_layers_per_stack": 1},
        "jetmoe": {"kv_channels": 8},
        "laguna": _MIXED | {"num_attention_heads_per_layer": [4, 4]},
        "lfm2": {"block_multiple_of": 8},
        "lfm2_moe": {"num_dense_layers": 1, "layer_types": ["full_attention"] * 2},
        "llama4": {
            "text_config": _text("llama4_text", **_CHUNKED),
            "vision_config": _VISION
            | {"vision_output_dim": 16, "projector_input_dim": 16, "projector_output_dim": 16},
        },
        "llama4_text": _CHUNKED,
        "longcat_flash": _LATENT | {"head_dim": 4},
        "minimax_m3_vl_text": {
            "index_head_dim": 8,
            "index_block_size": 4,
            "index_topk_blocks": 2,
            "index_n_heads": 2,
        },
        "mllama": {
            "text_config": _PLAIN_TEXT | {"cross_attention_layers": [1]},
            "vision_config": _VISION
            | {"num_global_layers": 1, "vision_output_dim": 32, "intermediate_layers_indices": [0]},
        },
        "phi3": {"original_max_position_embeddings": _PLAIN_TEXT["max_position_embeddings"]},
        "phi4_multimodal": {
            "original_max_position_embeddings": _PLAIN_TEXT["max_position_embeddings"],
            "vision_config": _VISION,
            "audio_config": _AUDIO,
        },
        "smollm3": _MIXED | {"use_sliding_window": True, "no_rope_layers": [1, 0]},
    }


def _refused() -> dict[str, dict[str, dict[str, Any] | None]]:
    """Refusals that the configuration tells, and then those of the trial."""
    told = {
        "has an encoder beside its decoder": "bart bigbird_pegasus blenderbot blenderbot-small marian mbart "
        "mvp pegasus plbart prophetnet whisper",
        "has a recurrent state": "bailing_hybrid bamba deepseek_v4 falcon_h1 falcon_mamba granitemoehybrid "
        "jamba kimi_linear mamba mamba2 nemotron_h olmo_hybrid qwen3_5 qwen3_5_moe qwen3_5_moe_text "
        "qwen3_5_text qwen3_next qwen4_exp qwen4_exp_text recurrent_gemma rwkv xlstm zamba zamba2 zaya",
        "has layers that may not know a 4-D mask (indexed_attention": "axk2 deepseek_v32 dots3_note "
        "dots3_note_text glm_moe_dsa hy_v4",
        "has layers that may not know a 4-D mask (hybrid": "inkling2_text inkling_text",
        "has layers that may not know a 4-D mask (conv": "lfm3",
        "has layers that may not know a 4-D mask (linear_attention": "minimax",
        "has layers that may not know a 4-D mask (local": "gpt_neo",
        "takes no position_ids": "bloom cpmant moss_transcribe_diarize mpt roformer trocr xlnet",
        "looks tokens up once more for its layers": "gemma3n gemma3n_text gemma4 gemma4_text",
        "takes its keys and values from another model": "gemma4_unified_assistant",
        "changes the logits of its output layer": "beam cohere cohere2 cohere2_moe gemma2 minicpm3 nanochat "
        "vaultgemma",
    }
    encoders = (
        "bert bert-generation big_bird camembert data2vec-text electra ernie megatron-bert roberta "
        "roberta-prelayernorm xlm-roberta xlm-roberta-xl"
    )
    tried: dict[str, dict[str, dict[str, Any] | None]] = {
        "reads tokens that come later and is not causal": {
            **dict.fromkeys(encoders.split(), _PLAIN),
            "roc_bert": {
                "pronunciation_embed_dim": 8,
                "pronunciation_vocab_size": 16,
                "shape_embed_dim": 8,
                "shape_vocab_size": 16,
            },
            "xmod": {"default_language": "en_XX"},
        },
        "has more between its last hidden states and its logits": {
            "modernbert-decoder": _MIXED | {"local_attention": 6, "sliding_window": DEFAULT},
        },
        "has attention windows that could not be brought into the mask": {"moshi": {}},
        "cannot be run with embeddings, positions and a 4-D mask": {
            "blt": {
                "vocab_size": DEFAULT,
                "encoder_hash_byte_group_vocab": 64,
                "local_attention_window_len": 6,
                "patcher_config": _BYTES,
                "encoder_config": _BYTES | {"hidden_size_global": 64},
                "decoder_config": _BYTES | {"hidden_size_global": 64},
                "global_config": _BYTES | {"hidden_size": 64},
            },
            "openai-gpt": {},
            "reformer": {
                "is_decoder": True,
                "attention_head_size": 8,
                "feed_forward_size": 48,
                "attn_layers": ["local", "lsh"],
                "axial_pos_shape": [8, 16],
                "axial_pos_embds_dim": [16, 16],
                "local_attn_chunk_length": 8,
                "lsh_attn_chunk_length": 8,
                "num_buckets": 2,
            },
            "rembert": {"input_embedding_size": 16, "output_embedding_size": 16},
            "xlm": {},
        },
    }
    shared = {"hidden_size_per_layer_input": 0, "vocab_size_per_layer_input": 0, "num_kv_shared_layers": 30}
    tried["takes its keys and values from another model"] = {"gemma4_assistant": {"text_config": shared}}
    parts = {
        "text_encoder": {"model_type": "t5"},
        "audio_encoder": {"model_type": "encodec"},
        "decoder": {"model_type": "musicgen_decoder"},
    }
    melody = parts | {"decoder": {"model_type": "musicgen_melody_decoder"}}
    tried["holds several models of text"] = {"musicgen": parts, "musicgen_melody": melody}
    for reason, families in told.items():
        tried.setdefault(reason, {}).update(dict.fromkeys(families.split()))
    return tried


FAMILIES = {
    **{family: Family(RIGHT, settings) for family, settings in _right().items()},
    **{
        family: Family(reason, settings)
        for reason, families in _refused().items()
        for family, settings in families.items()
    },
}

_UNCAPPED = {"final_logit_softcapping": None}
#: What a setting changes: family, reading, settings.
VARIANTS: list[tuple[str, str, dict[str, Any]]] = [
    ("bert", "has more between its last hidden states and its logits", {"is_decoder": True}),
    ("beam", RIGHT, _MIXED | _UNCAPPED),
    ("cohere", RIGHT, {"logit_scale": 1.0}),
    ("cohere2", RIGHT, _MIXED | {"logit_scale": 1.0}),
    ("cohere2_moe", RIGHT, _MIXED | {"logit_scale": 1.0}),
    ("falcon", "takes no position_ids", {"alibi": True, "num_kv_heads": 4}),
    ("gemma2", RIGHT, _MIXED | _UNCAPPED | {"attn_logit_softcapping": 2.0}),
    ("gemma4_text", RIGHT, _MIXED | {"hidden_size_per_layer_input": 0}),
    ("gpt_neo", RIGHT, {"attention_types": [[["global"], 2]]}),
    ("lfm2", "has layers that may not know a 4-D mask (conv", {"layer_types": ["conv", "full_attention"]}),
    ("mistral", RIGHT, {"sliding_window": None}),
    ("nanochat", RIGHT, _UNCAPPED),
    ("qwen3", RIGHT, {}),
    ("vaultgemma", RIGHT, _MIXED | _UNCAPPED | {"attn_logit_softcapping": 2.0}),
]


def as_markdown() -> str:
    """The table of the docs."""
    rows = ["| families | how they are taken |", "|---|---|"]
    readings = [RIGHT, *sorted({family.reading for family in FAMILIES.values()} - {RIGHT})]
    for reading in readings:
        names = sorted(name for name, family in FAMILIES.items() if family.reading == reading)
        told = reading if reading == RIGHT else f"refused: {reading}{' …)' if '(' in reading else ''}"
        rows.append(f"| {', '.join(names)} | {told} |")
    return "\n".join(rows)
