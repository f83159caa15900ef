"""Words of a language model, on a tiny Llama whose embeddings are set by hand."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from userip_lightning.explain.lm_words import LanguageModelWords
from userip_lightning.lm.source import LMSource


@pytest.fixture(scope="module")
def words(tiny_llama: Path) -> LanguageModelWords:
    return LanguageModelWords(LMSource(str(tiny_llama), dtype="float32"))


@pytest.fixture(scope="module")
def embedding(tiny_llama: Path) -> np.ndarray:
    model = AutoModelForCausalLM.from_pretrained(tiny_llama, dtype=torch.float32)
    return model.get_input_embeddings().weight.detach().double().numpy()


@pytest.fixture(scope="module")
def tokenizer(tiny_llama: Path):
    return AutoTokenizer.from_pretrained(tiny_llama)


def one_token_words(words, tokenizer) -> list[str]:
    lower = [word for word in words.words if len(tokenizer(f" {word}")["input_ids"]) == 1]
    assert len(lower) > 3
    return lower


def test_words_begin_a_word_are_letters_and_folded(words):
    assert words.words == sorted(set(words.words))
    assert all(word.isalpha() and len(word) >= 3 and word == word.casefold() for word in words.words)
    assert {"after", "best", "coin"} <= set(words.words)


def test_a_text_is_the_mean_of_its_tokens(words, tokenizer, embedding):
    ids = tokenizer(" Blade Runner", add_special_tokens=False)["input_ids"]
    found = words.vectors(["  Blade Runner ", ""])
    np.testing.assert_allclose(found[0], embedding[ids].mean(0), atol=1e-7)
    assert not found[1].any()


def test_the_nearest_word_of_an_embedding_is_its_own_word(words, tokenizer, embedding):
    chosen = one_token_words(words, tokenizer)
    ids = [tokenizer(f" {word}")["input_ids"][0] for word in chosen]
    near = words.nearest(embedding[ids] - words.centre, count=3)
    assert [row[0] for row in near] == chosen
    assert all(len(row) == 3 for row in near)


def test_the_mean_of_the_vocabulary_is_no_direction(tiny_llama, tokenizer, tmp_path):
    """All embeddings far off in one direction: what is common to all must not decide."""
    model = AutoModelForCausalLM.from_pretrained(tiny_llama, dtype=torch.float32)
    with torch.no_grad():
        model.get_input_embeddings().weight += 5.0
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    moved = LanguageModelWords(LMSource(str(tmp_path), dtype="float32"))
    still = LanguageModelWords(LMSource(str(tiny_llama), dtype="float32"))
    query = np.random.default_rng(0).standard_normal((4, 32))
    assert moved.nearest(query) == still.nearest(query)


def test_words_may_be_limited_and_nothing_has_no_words(words, tokenizer, embedding):
    first, second, *_ = one_token_words(words, tokenizer)
    query = embedding[tokenizer(f" {first}")["input_ids"]] - words.centre
    assert words.nearest(query, among={second, "no such word"}) == [[second]]
    assert words.nearest(np.zeros((1, 32))) == [[]]


def test_an_entry_is_its_items_less_all_items(words):
    texts = ["Heat", "Blade Runner", "", "Alien"]
    weight = np.array([[2.0, 0.0, 0.0], [1.0, 1.0, 0.0], [5.0, 5.0, 0.0], [0.0, 3.0, 0.0]])
    heat, blade, alien = words.vectors(["Heat", "Blade Runner", "Alien"])
    mean = (2 * heat + 2 * blade + 3 * alien) / 7
    expected = np.stack([(2 * heat + blade) / 3 - mean, (blade + 3 * alien) / 4 - mean, 0 * mean])
    np.testing.assert_allclose(words.entries(texts, weight), expected, atol=1e-9)
    order = [2, 0, 1]
    np.testing.assert_allclose(words.entries(texts, weight[:, order]), expected[order], atol=1e-9)


def test_words_expected_under_a_code_follow_the_code(words):
    start = [["after", "best"], ["coin"], []]
    found = words.expected(start, "This user's hobby is", count=4)
    assert found[2] == []
    assert all(0 < len(row) <= 4 for row in found[:2])
    assert not set(found[0]) & set(found[1])  # above the mean of two under one is below it under the other
    assert not set(found[0]) & set(start[0])
    assert not set(found[1]) & set(start[1])
    assert words.expected(start[::-1], "This user's hobby is", count=4) == found[::-1]


def test_words_expected_are_those_of_the_model(words, tiny_llama, tokenizer):
    start = [["after"], ["coin"]]
    model = AutoModelForCausalLM.from_pretrained(tiny_llama, dtype=torch.float32)
    share = np.zeros((2, len(words.words)))
    for code, own in enumerate(start):
        prompt = f"This user's hobby is {own[0]}. He liked:"
        ids = torch.tensor([[0, *tokenizer(prompt, add_special_tokens=False)["input_ids"]]])
        after = model(ids).logits[0, -1].softmax(-1).detach().numpy()
        for token, number in tokenizer.get_vocab().items():
            if token.startswith("Ġ") and token[1:].casefold() in words.words:
                share[code, words.words.index(token[1:].casefold())] += after[number]
    score = np.log(share + 1 / share.shape[1])
    surplus = score[0] - score.mean(0)
    surplus[words.words.index("after")] = -1
    best = words.expected(start, "This user's hobby is", count=1)[0][0]
    assert best == words.words[int(surplus.argmax())]


def test_one_code_alone_has_nothing_to_be_told_from(words):
    assert words.expected([["alien"], []], "This user's hobby is") == [[], []]
