"""LMs whose logits are more than their output layer: refused, or their likelihood would be wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from userip_lightning.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

#: What transformers calls a factor or cap of the logits: Gemma 2, RecurrentGemma, Cohere, Granite, Falcon-H1.
_SETTINGS = (
    "final_logit_softcapping",
    "logits_soft_cap",
    "logit_scale",
    "logits_scaling",
    "lm_head_multiplier",
)


def refuse_changed_logits(name: str, config: PreTrainedConfig) -> None:
    """Refuse an LM that scales or caps the logits of its output layer.

    Args:
        name: of the LM.
        config: of the LM, from transformers.

    Raises:
        InputError: it does; :mod:`userip_lightning.lm.target_nll` and whoever else wants logits of a few
            tokens alone read the output layer.
    """
    text = config.get_text_config()
    for setting in _SETTINGS:
        value = getattr(text, setting, None)
        if value is not None and value != 1:
            raise InputError(
                f"lm.name: {name!r} changes the logits of its output layer ({setting} {value}), which is "
                "not computed here; take an LM without, such as a Llama, Mistral, Qwen or GPT-2."
            )
