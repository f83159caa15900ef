"""Attention to soft tokens, against attention computed by hand in a tiny GPT-2."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import decoders
from transformers import AutoModelForCausalLM

from userip_lightning.lm.prompt import PromptTemplate
from userip_lightning.lm.source import LMSource
from userip_lightning.reproduce.attention.reader import AttentionReader, Read, Word
from userip_lightning.reproduce.attention.shares import CONDITIONS, RANDOM, TUNED, shares

PROMPT = PromptTemplate(soft_tokens=2)
ITEM = " Best Movies (1997)"


@pytest.fixture(scope="module")
def reader(tiny_gpt2: Path) -> AttentionReader:
    reader = AttentionReader(LMSource(str(tiny_gpt2), dtype="float32"), PROMPT)
    reader.tokenizer.backend_tokenizer.decoder = decoders.ByteLevel()  # the tiny one has none
    return reader


@pytest.fixture(scope="module")
def z() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((3, 2, 2, 32)).astype(np.float32)


def by_hand(folder: Path, reader: AttentionReader, z: np.ndarray) -> tuple[np.ndarray, int]:
    """Softmax of q kᵀ / √d in the first layer, mean over heads: [T, T], and the body's first place."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).transformer
    tokenizer = reader.tokenizer

    def ids(text: str) -> list[int]:
        return tokenizer(text, add_special_tokens=False)["input_ids"]

    first, second = (ids(profile.text) for profile in PROMPT.profiles)
    before = [0, *first, 0, 0, *second, 0, 0]
    every = torch.tensor([*before, *ids(". He liked:"), *ids(ITEM)])
    inputs = model.wte(every).clone()
    place = 1 + len(first)
    inputs[place : place + 2] = torch.from_numpy(z[0])
    inputs[place + 2 + len(second) : place + 4 + len(second)] = torch.from_numpy(z[1])
    hidden = model.h[0].ln_1(inputs + model.wpe(torch.arange(len(every))))
    query, key, _ = model.h[0].attn.c_attn(hidden).split(32, dim=-1)
    query, key = (part.view(-1, 4, 8).transpose(0, 1) for part in (query, key))
    score = query @ key.transpose(1, 2) / 8**0.5
    causal = torch.ones(len(every), len(every), dtype=torch.bool).tril()
    weight = score.masked_fill(~causal, -torch.inf).softmax(-1).mean(0)
    return weight.detach().numpy(), len(before)


def test_attention_is_that_of_the_model(reader, z, tiny_gpt2):
    read = reader.read(z, ITEM)
    assert read.weight.shape == (3, 2, 2, len(read.words))
    for c in range(3):
        weight, body = by_hand(tiny_gpt2, reader, z[c])
        place = 1 + len(reader.tokenizer(PROMPT.profiles[0].text, add_special_tokens=False)["input_ids"])
        columns = [[place, place + 1], [body - 2, body - 1]]
        for p, soft in enumerate(columns):
            for word, found in zip(read.words, read.weight[c, 0, p], strict=True):
                rows = [body + token for token in word.tokens]
                assert found == pytest.approx(weight[np.ix_(rows, soft)].sum(1).mean(), abs=1e-6)


def test_every_layer_reads_every_set_of_soft_tokens_by_itself(reader, z):
    together = reader.read(z, ITEM).weight
    for c in range(3):
        np.testing.assert_allclose(reader.read(z[c : c + 1], ITEM).weight[0], together[c], atol=1e-6)
    assert np.abs(together[0, 1] - together[1, 1]).max() > 1e-5


def test_words_of_the_task_are_filler_and_years_are_no_words(reader):
    words = reader.words(ITEM)
    assert [word.text for word in words if not word.content] == ["He", "liked:"]
    assert [word.text for word in words if word.content] == ["Best", "Movies"]


def weights(content: list[float], filler: float = 0.2) -> Read:
    """Two words of the task and one of the title; attention to one profile under the four conditions."""
    words = [Word("He", False, [0]), Word("liked", False, [1]), Word("Heat", True, [2])]
    rows = [[[[filler, filler, value]]] for value in content]
    return Read(words, np.array(rows))


def test_a_share_is_that_of_content_words_and_its_gain_is_paired():
    read = [weights([0.1, 0.2, 0.4, 0.2]), weights([0.2, 0.2, 0.6, 0.6])]
    found = {one.condition: one for one in shares(read, ["hobby"], [0])}
    assert tuple(found) == CONDITIONS
    assert found[RANDOM].share.difference == pytest.approx((0.1 / 0.5 + 0.2 / 0.6) / 2)
    assert found[TUNED].share.difference == pytest.approx((0.5 + 0.6) / 2)
    assert found[RANDOM].gain.difference == pytest.approx(0.55 - (0.2 + 1 / 3) / 2)
    assert found[TUNED].gain.difference == 0
    assert (found[TUNED].filler, found[TUNED].content) == pytest.approx((0.2, 0.5))


def test_only_the_chosen_layers_count():
    first, second = weights([0.1] * 4), weights([0.4] * 4)
    both = Read(first.words, np.concatenate([first.weight, second.weight], axis=1))
    alone = shares([both] * 2, ["hobby"], [1])[0]
    assert alone.share.difference == pytest.approx(0.5)
    assert alone.by_layer == pytest.approx([0.2, 0.5])
