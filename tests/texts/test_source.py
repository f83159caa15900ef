from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from userip_lightning.catalogue.likelihood_text import Likelihood
from userip_lightning.errors import InputError
from userip_lightning.lm.hidden_states import HiddenStateEncoder
from userip_lightning.lm.identity import lm_identity
from userip_lightning.lm.quantized import to_int8
from userip_lightning.lm.source import LMSource
from userip_lightning.lm.text_encoder import EncoderSource
from userip_lightning.texts.language_model import HiddenStates, SentenceEncoder
from userip_lightning.texts.source import BagOfWords, Joined, NoText, principal

TEXTS = ["Alien (1979)", "Aliens", "", "The Empire Strikes Back, again and again and again"]


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_hidden_states_are_those_of_plain_transformers_text_by_text(tiny_llama: Path, layer: int) -> None:
    found = HiddenStateEncoder(LMSource(str(tiny_llama), dtype="float32"), layer).encode(TEXTS)
    model = AutoModelForCausalLM.from_pretrained(tiny_llama, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(tiny_llama)
    for text, vector in zip(TEXTS, found, strict=True):
        ids = tokenizer(text, add_special_tokens=False, return_tensors="pt").input_ids.long()
        if not ids.numel():
            assert not vector.any()
            continue
        states = model(ids, output_hidden_states=True).hidden_states[layer]
        np.testing.assert_allclose(vector, states[0].mean(0).detach().numpy(), atol=1e-5)


def test_a_layer_that_is_not_there_is_refused(tiny_llama: Path) -> None:
    with pytest.raises(InputError, match="layers 0 to 2"):
        HiddenStateEncoder(LMSource(str(tiny_llama)), 3)


def test_hidden_states_of_a_quantised_model_are_those_of_its_rounded_weights(tiny_llama: Path) -> None:
    whole = LMSource(str(tiny_llama), dtype="float32")
    rounded = replace(whole, quantization="int8")
    model = AutoModelForCausalLM.from_pretrained(tiny_llama, dtype=torch.float32)
    to_int8(model)
    (ids,) = AutoTokenizer.from_pretrained(tiny_llama)(TEXTS[:1], add_special_tokens=False)["input_ids"]
    wanted = model(torch.tensor([ids]), output_hidden_states=True).hidden_states[2][0].mean(0).detach()
    (found,), (exact,) = (HiddenStateEncoder(lm, 2).encode(TEXTS[:1]) for lm in (rounded, whole))
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    assert np.abs(found - exact).max() > 1e-5
    assert HiddenStates(whole).weights() == lm_identity(whole)  # what is kept of it is found again
    for source in (HiddenStates(rounded), Likelihood(rounded)):
        assert source.weights() != lm_identity(rounded)  # earlier versions kept those of full weights by it


def test_divided_weights_read_no_texts(tiny_llama: Path) -> None:
    divided = LMSource(str(tiny_llama), sharded=True)
    for read in (lambda: HiddenStates(divided), Likelihood(divided).weights):
        with pytest.raises(
            InputError, match=r"lm\.sharded: texts are read by one process.* set it to false\.$"
        ):
            read()


def test_advice_on_numbers_that_are_not_finite_fits_the_source() -> None:
    assert HiddenStates(LMSource(dtype="bfloat16")).remedy() == "set lm.dtype to float32, or take another one"
    for source in (HiddenStates(LMSource(dtype="float32")), SentenceEncoder()):
        assert source.remedy() == "take another one"


def test_sources_that_differ_have_other_identities() -> None:
    sources = [
        NoText(),
        BagOfWords(),
        BagOfWords(8),
        SentenceEncoder(),
        HiddenStates(),
        HiddenStates(layer=3),
    ]
    sources += [
        Joined([NoText()]),
        Joined([BagOfWords()]),
        SentenceEncoder(EncoderSource("other")),
        HiddenStates(LMSource("other")),
    ]
    identities = [repr(source.identity()) for source in sources]
    assert len(set(identities)) == len(sources)
    assert HiddenStates().identity() == HiddenStates().identity()


def test_a_bag_of_words_is_as_wide_as_asked_for() -> None:
    texts = [f"{a} {b}" for a in ("space", "farm", "war") for b in ("hero", "life", "saga", "calm")]
    vectors = BagOfWords(2).vectors(texts)
    assert vectors is not None
    assert vectors.shape == (12, 2)
    with pytest.raises(InputError, match=r"BagOfWords: width 0 given"):
        BagOfWords(0)


def test_no_text_gives_no_vectors() -> None:
    assert NoText().vectors(TEXTS) is None


def test_components_are_those_of_the_rows_with_numbers() -> None:
    rows = np.random.default_rng(0).normal(5, 1, size=(6, 3))
    broken = np.insert(rows, 2, np.nan, axis=0)
    found = principal(broken)[0]
    assert not found[2].any()
    np.testing.assert_allclose(np.delete(found, 2, axis=0), principal(rows)[0])


@pytest.mark.filterwarnings("error")
def test_rows_that_are_all_alike_have_no_components() -> None:
    assert not any(part.any() for part in principal(np.ones((4, 3))))


def test_joined_sources_stand_side_by_side() -> None:
    texts = ["space war hero", "space war", "space war saga", "farm life", "farm life calm", "farm life"]
    words = BagOfWords().vectors(texts)
    joined = Joined([BagOfWords(), NoText(), BagOfWords()]).vectors(texts)
    assert words is not None
    assert np.array_equal(joined, np.concatenate([words, words], axis=1))
    assert Joined([NoText()]).vectors(texts) is None


def test_a_joined_source_reads_what_the_most_knowing_of_its_parts_does() -> None:
    assert NoText().reads == "nothing"
    assert BagOfWords().reads == "words"
    assert SentenceEncoder().reads == "language model"
    assert Joined([NoText(), BagOfWords()]).reads == "words"
    assert Joined([BagOfWords(), SentenceEncoder(), NoText()]).reads == "language model"
