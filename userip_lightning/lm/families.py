"""Families of language models that would be scored wrongly, told from the configuration, before any weight.

The prompt of Eq. 3 has parallel branches: positions repeat, and a 4-D mask says who sees whom. So a family
has to take positions, embeddings and such a mask, and its logits have to be those of its output layer. What
a configuration does not tell, the trial at load finds (:mod:`userip_lightning.lm.mask_check`).
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from transformers import MODEL_FOR_CAUSAL_LM_MAPPING

from userip_lightning.errors import InputError
from userip_lightning.lm.plain_logits import refuse_changed_logits
from userip_lightning.lm.windows import KNOWN_LAYERS

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

#: What every refusal advises.
ADVICE = "take one without, such as a Llama, Mistral, Qwen or GPT-2"


def refuse_family(name: str, config: PreTrainedConfig) -> None:
    """Refuse an LM whose configuration tells that its likelihood would be wrong.

    Args:
        name: of the LM.
        config: of the LM, from transformers.

    Raises:
        InputError: it is no causal LM of transformers, has an encoder, a recurrent state or layers of
            a kind that may not know a 4-D mask, takes no positions or embeddings, or changes the logits of
            its output layer.
    """
    fault = _fault(config)
    if fault:
        raise InputError(
            f"lm.name: {name!r} ({config.model_type}) {fault}, so profiles would be scored wrongly; {ADVICE}."
        )
    refuse_changed_logits(name, config)


def _fault(config: PreTrainedConfig) -> str | None:
    if type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING:
        return "is no causal language model of transformers"
    model = MODEL_FOR_CAUSAL_LM_MAPPING[type(config)]
    try:
        text = config.get_text_config()
    except ValueError:  # transformers cannot say which of several reads the text
        return "holds several models of text"
    if getattr(config, "is_encoder_decoder", False):
        return "has an encoder beside its decoder"
    if getattr(model, "_is_stateful", False):
        return "has a recurrent state, which reads tokens that a mask hides"
    return _unknown_layers(text) or _missing_arguments(model, text)


def _unknown_layers(text: object) -> str | None:
    kinds = set(getattr(text, "layer_types", None) or ())
    if "local" in (getattr(text, "attention_layers", None) or ()):  # GPT-Neo, whose windows count places
        kinds.add("local")
    unknown = sorted(kinds - KNOWN_LAYERS)
    return f"has layers that may not know a 4-D mask ({', '.join(unknown)})" if unknown else None


def _missing_arguments(model: Any, text: Any) -> str | None:
    taken = inspect.signature(model.forward).parameters
    if "position_ids" not in taken or getattr(text, "alibi", False):
        return "takes no position_ids, but counts places in the row, while branches of a prompt are parallel"
    if "inputs_embeds" not in taken:
        return "takes no embeddings in place of tokens"
    if getattr(text, "num_kv_shared_layers", 0) >= getattr(text, "num_hidden_layers", 1):
        return "takes its keys and values from another model"
    if getattr(text, "hidden_size_per_layer_input", 0):  # Gemma 3n and 4
        return "looks tokens up once more for its layers, and a soft token is none"
    return None
