"""Small data, a small encoder, and language models that say what they are told to."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, BertConfig, BertModel

from userip_lightning.data.preparation import Preparation
from userip_lightning.data.sources.synthesize import Planted
from userip_lightning.data.splits import ColdUsers


@pytest.fixture(scope="session")
def cold(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prepared folder where a third of the users has no TRAIN row."""
    source = Planted(users=12, rows_per_user=8)
    preparation = Preparation(source, split=ColdUsers(fraction=0.34, support=3), k_core=1)
    return preparation.run(tmp_path_factory.mktemp("kar"), lambda _: None)


@pytest.fixture(scope="session")
def tiny_encoder(tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a one-layer BERT with random weights, D = 16."""
    folder = tmp_path_factory.mktemp("tiny-bert")
    tokenizer = AutoTokenizer.from_pretrained(tiny_llama)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        pad_token_id=tokenizer.pad_token_id,
    )
    BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture
def says(tiny_gpt2: Path, tmp_path: Path) -> Callable[[dict[str, float]], Path]:
    """Makes a GPT-2 that has the same logits after every prompt: those given by token, 0 for all others."""

    def make(logits: dict[str, float]) -> Path:
        folder = tmp_path / "says"
        shutil.copytree(tiny_gpt2, folder)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        model = AutoModelForCausalLM.from_pretrained(folder)
        with torch.no_grad():
            model.transformer.ln_f.weight.zero_()
            model.transformer.ln_f.bias.zero_()[0] = 1  # the last hidden state is the first unit vector
            model.transformer.wte.weight[:, 0] = 0
            for token, logit in logits.items():
                model.transformer.wte.weight[tokenizer.convert_tokens_to_ids(token), 0] = logit
        model.save_pretrained(folder)
        return folder

    return make
