"""Loading language models, and refusing what would be silently wrong."""

from pathlib import Path

import pytest
import torch
from transformers import Gemma2Config, GptOssConfig, LlamaConfig, LlamaForCausalLM, PreTrainedConfig

from userip_lightning.errors import InputError
from userip_lightning.profile.backbone import LMSource, load_backbone, load_tokenizer, plain_backend


@pytest.mark.parametrize("attention", ["flash_attention_2", "flex_attention", "bogus"])
def test_attention_that_would_misread_the_mask_is_refused(attention: str) -> None:
    with pytest.raises(InputError, match="use one of auto, sdpa, eager"):
        LMSource(attention=attention)


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="check that the folder holds"):
        load_backbone(LMSource(str(tmp_path)))
    with pytest.raises(InputError, match="could not be loaded"):
        load_tokenizer(LMSource(str(tmp_path)))


def test_a_hub_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match=r"'nobody/nothing' could not be loaded .* give a local folder\.$"):
        load_backbone(LMSource("nobody/nothing"))


def test_dtype_and_width(tiny_llama: Path) -> None:
    backbone = load_backbone(LMSource(str(tiny_llama), dtype="bfloat16"))
    assert backbone.dtype == torch.bfloat16
    assert backbone.width == 32
    assert backbone.context == 256
    assert backbone.head(torch.zeros(3, 32, dtype=torch.bfloat16)).shape == (3, len(backbone.words))


def test_fingerprint_is_of_the_weights(tiny_llama: Path, tmp_path: Path) -> None:
    source = LMSource(str(tiny_llama), dtype="float32")
    assert load_backbone(source).fingerprint() == load_backbone(source).fingerprint()
    other = LlamaForCausalLM.from_pretrained(tiny_llama)
    assert isinstance(other.config, LlamaConfig)
    other.model.layers[0].mlp.up_proj.weight.data += 0.1
    other.save_pretrained(tmp_path)
    changed = load_backbone(LMSource(str(tmp_path), dtype="float32")).fingerprint()
    assert changed != load_backbone(source).fingerprint()


@pytest.mark.parametrize(
    ("config", "backend"),
    [
        (LlamaConfig(), "sdpa"),
        (Gemma2Config(), "eager"),
        (GptOssConfig(), "eager"),
    ],
    ids=["llama", "a cap", "sinks"],
)
def test_plain_prompts_take_an_attention_that_the_family_has(
    config: PreTrainedConfig, backend: str, tmp_path: Path
) -> None:
    config.save_pretrained(tmp_path)
    assert plain_backend(LMSource(str(tmp_path))) == backend
    assert plain_backend(LMSource(str(tmp_path), attention="eager")) == "eager"
