"""Whose logits are those of the output layer."""

import pytest
from transformers import CohereConfig, Gemma2Config, GPT2Config, GraniteConfig, LlamaConfig, PreTrainedConfig

from userip_lightning.errors import InputError
from userip_lightning.lm.plain_logits import refuse_changed_logits


@pytest.mark.parametrize(
    ("config", "setting"),
    [
        (Gemma2Config(), "final_logit_softcapping 30.0"),
        (CohereConfig(), "logit_scale 0.0625"),
        (GraniteConfig(logits_scaling=8.0), "logits_scaling 8.0"),
    ],
)
def test_scaled_and_capped_logits_are_refused(config: PreTrainedConfig, setting: str) -> None:
    with pytest.raises(InputError, match=rf"'some' changes the logits of its output layer \({setting}\)"):
        refuse_changed_logits("some", config)


@pytest.mark.parametrize("config", [LlamaConfig(), GPT2Config(), GraniteConfig(logits_scaling=1.0)])
def test_plain_logits_are_taken(config: PreTrainedConfig) -> None:
    refuse_changed_logits("some", config)
