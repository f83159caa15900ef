"""A model is known by what decides its output, and its weights are not loaded for that."""

import shutil
from pathlib import Path
from typing import Literal

import pytest
import torch
from transformers import AutoModel, AutoModelForCausalLM

from userip_lightning import assets
from userip_lightning.errors import InputError
from userip_lightning.lm.identity import encoder_identity, lm_identity
from userip_lightning.lm.source import LMSource
from userip_lightning.lm.text_encoder import EncoderSource


def test_the_identity_follows_weights_and_their_type_but_not_the_folder(
    tiny_llama: Path, tmp_path: Path
) -> None:
    def identity(folder: Path, dtype: Literal["float32", "bfloat16"] = "float32") -> str:
        return lm_identity(LMSource(name=str(folder), dtype=dtype))

    shutil.copytree(tiny_llama, tmp_path / "copy")
    assert identity(tmp_path / "copy") == identity(tiny_llama)
    assert identity(tiny_llama, "bfloat16") != identity(tiny_llama)
    model = AutoModelForCausalLM.from_pretrained(tiny_llama)
    with torch.no_grad():
        model.lm_head.weight[0] += 1
    model.save_pretrained(tmp_path / "copy")
    assert identity(tmp_path / "copy") != identity(tiny_llama)


def test_so_does_that_of_an_encoder(tiny_encoder: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_encoder, tmp_path / "copy")
    own = encoder_identity(EncoderSource(str(tiny_encoder)))
    assert encoder_identity(EncoderSource(str(tmp_path / "copy"))) == own
    model = AutoModel.from_pretrained(tiny_encoder)
    with torch.no_grad():
        model.embeddings.word_embeddings.weight[5] += 1
    model.save_pretrained(tmp_path / "copy")
    assert encoder_identity(EncoderSource(str(tmp_path / "copy"))) != own


def test_the_default_models_are_known_by_their_pins_and_not_fetched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("USERIP_CACHE", str(tmp_path))
    before = lm_identity(LMSource(dtype="float32")), encoder_identity(EncoderSource())
    assert len(set(before)) == 2
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(assets, "MINILM_WHEEL", assets.SMOLLM2_WHEEL)
    assert encoder_identity(EncoderSource()) != before[1]


def test_a_model_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"encoder\.name: the encoder '.*none' could not be loaded \("):
        encoder_identity(EncoderSource(str(tmp_path / "none")))
