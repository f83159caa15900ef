"""Loading language models, and refusing what would be silently wrong."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from transformers import Gemma2Config, GptOssConfig, LlamaConfig, LlamaForCausalLM, PreTrainedConfig

from userip_lightning.errors import InputError
from userip_lightning.lm.backbone import load_backbone
from userip_lightning.lm.source import LMSource, load_config, load_tokenizer, plain_backend
from userip_lightning.lm.text_encoder import EncoderSource, load_encoder_config


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


def test_a_model_that_brings_code_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    names = {"AutoConfig": "own.Own", "AutoModelForCausalLM": "own.Own", "AutoModel": "own.Own"}
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "own", "auto_map": names}))
    (tmp_path / "own.py").write_text("from pathlib import Path\nPath(__file__).with_name('ran').touch()\n")
    for load in (load_config, load_backbone):
        with pytest.raises(InputError, match="it brings code of its own, which is never run"):
            load(LMSource(str(tmp_path)))
    with pytest.raises(InputError, match="it brings code of its own, which is never run"):
        load_encoder_config(EncoderSource(str(tmp_path)))
    assert not (tmp_path / "ran").exists()


def test_damaged_weights_are_refused(tiny_llama: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_llama, tmp_path / "lm"))
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(InputError, match="could not be loaded"):
        load_backbone(LMSource(str(folder)))


def test_dtype_and_width(tiny_llama: Path) -> None:
    backbone = load_backbone(LMSource(str(tiny_llama), dtype="bfloat16"))
    assert backbone.dtype == torch.bfloat16
    assert backbone.width == 32
    assert backbone.context == 256
    assert backbone.head(torch.zeros(3, 32, dtype=torch.bfloat16)).shape == (3, len(backbone.words))


def test_rotary_frequencies_stay_exact_where_weights_are_rounded(tiny_llama: Path) -> None:
    """``trainer.precision: bf16-true`` rounds whatever a module holds."""
    backbone = load_backbone(LMSource(str(tiny_llama), dtype="float32"))
    exact = {name: value.clone() for name, value in backbone.named_buffers() if "inv_freq" in name}
    assert any((value.bfloat16() != value).any() for value in exact.values())
    backbone.to(torch.bfloat16)
    assert backbone.dtype == torch.bfloat16
    for name, value in backbone.named_buffers():
        if name in exact:
            assert value.dtype == torch.float32
            assert torch.equal(value, exact[name])


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
