"""Shared fixtures: config-built language models, so that nothing here needs the network."""

import os
from pathlib import Path

# Where several processes of tests share the cores, each takes one. Read when torch is first imported.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import (
    BertConfig,
    BertModel,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

pytest_plugins = ["tests.experiment"]

#: Files that take longest; they go first, so that no process is left alone with one at the end.
LONGEST = (
    "test_planted",
    "test_gpu_script",
    "test_every_table",
    "test_processes",
    "test_regimes",
    "test_notebook",
)
TITLES = Path(__file__).parent / "data" / "tiny" / "csv"
SPECIAL = ["<s>", "</s>", "<unk>"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first."""
    items.sort(key=lambda item: item.path.stem not in LONGEST)


def save_tokenizer(folder: Path) -> int:
    """Train a byte-level tokenizer on the tiny titles; return its size."""
    text = [file.read_text(encoding="utf-8") for file in sorted(TITLES.glob("*.csv"))]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(
        [*text, "This user's hobby is, his background is. He liked: He disliked:"], trainer
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="</s>"
    )
    fast.save_pretrained(folder)
    return int(tokenizer.get_vocab_size())


@pytest.fixture(scope="session")
def tiny_llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a two-layer Llama with random weights and grouped-query attention."""
    return save_llama(tmp_path_factory.mktemp("tiny-llama"))


def save_llama(folder: Path) -> Path:
    """Write that model, and return its folder."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=save_tokenizer(folder),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        bos_token_id=0,
        eos_token_id=1,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_gpt2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a two-layer GPT-2 with random weights."""
    folder = tmp_path_factory.mktemp("tiny-gpt2")
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=save_tokenizer(folder),
        n_embd=32,
        n_layer=2,
        n_head=4,
        n_positions=256,
        bos_token_id=0,
        eos_token_id=1,
    )
    GPT2LMHeadModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a one-layer BERT with random weights, an encoder of sentences."""
    folder = tmp_path_factory.mktemp("tiny-encoder")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=save_tokenizer(folder),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=256,
        pad_token_id=1,
    )
    BertModel(config).save_pretrained(folder)
    return folder
