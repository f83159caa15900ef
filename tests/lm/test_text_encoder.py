"""Sentences as vectors: the mean over a text's own tokens, whatever else is in the batch."""

import json
import shutil

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from userip_lightning.errors import InputError
from userip_lightning.lm.text_encoder import EncoderSource, TextEncoder

TEXTS = ["Toy Story (1995)", "A", "GoldenEye (1995) and Four Rooms (1995)", ""]


@pytest.fixture(scope="module")
def encoder(tiny_encoder):
    return TextEncoder(EncoderSource(str(tiny_encoder), batch_size=2))


def test_a_vector_is_the_mean_of_the_last_hidden_states(encoder, tiny_encoder):
    vectors = encoder.encode(TEXTS[:3])
    model, tokenizer = AutoModel.from_pretrained(tiny_encoder), AutoTokenizer.from_pretrained(tiny_encoder)
    for text, vector in zip(TEXTS, vectors, strict=False):
        with torch.no_grad():
            hidden = model.eval()(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
        np.testing.assert_allclose(vector, hidden.mean(0).numpy(), atol=1e-6)
    assert vectors.shape == (3, encoder.width) == (3, 16)


def test_order_and_batch_mates_do_not_matter(encoder):
    forward, backward = encoder.encode(TEXTS), encoder.encode(TEXTS[::-1])
    np.testing.assert_allclose(forward, backward[::-1], atol=1e-6)
    assert np.isfinite(forward).all()


def test_control_tokens_within_a_text_are_letters(encoder):
    told, letters, ended = encoder.encode(["Toy </s> Story", "Toy < /s> Story", "Toy Story"])
    np.testing.assert_allclose(told, letters, atol=1e-6)
    assert np.abs(told - ended).max() > 1e-3


def test_a_long_text_is_cut(encoder, tiny_encoder):
    short = TextEncoder(EncoderSource(str(tiny_encoder), max_tokens=4))
    long = " ".join(["Toy Story"] * 300)
    assert np.isfinite(encoder.encode([long])).all()
    assert short.fingerprint != encoder.fingerprint
    ids = AutoTokenizer.from_pretrained(tiny_encoder)(long)["input_ids"][:4]
    with torch.no_grad():
        model = AutoModel.from_pretrained(tiny_encoder).eval()
        hidden = model(torch.tensor([ids])).last_hidden_state[0]
    np.testing.assert_allclose(short.encode([long])[0], hidden.mean(0).numpy(), atol=1e-6)


def test_a_model_without_a_pad_token_encodes_batches(tiny_gpt2, tmp_path):
    shutil.copytree(tiny_gpt2, tmp_path / "plain")
    settings = tmp_path / "plain" / "tokenizer_config.json"
    plain = {**json.loads(settings.read_text()), "pad_token": None, "padding_side": "left"}
    settings.write_text(json.dumps(plain))
    made = TextEncoder(EncoderSource(str(tmp_path / "plain")))
    together, alone = made.encode(TEXTS[:3]), [made.encode([text])[0] for text in TEXTS[:3]]
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_more_tokens_than_the_encoder_reads_are_refused(tiny_encoder):
    with pytest.raises(InputError, match=r"max_tokens is 257, but .* reads 256; lower it"):
        TextEncoder(EncoderSource(str(tiny_encoder), max_tokens=257))


def test_progress_counts_texts(encoder):
    told = []
    encoder.encode(TEXTS[:3], lambda done, total: told.append((done, total)))
    assert told == [(2, 3), (3, 3)]


def test_an_encoder_that_cannot_be_had_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match=r"encoder\.name: the encoder '.*none' could not be loaded \("):
        TextEncoder(EncoderSource(str(tmp_path / "none")))
    with pytest.raises(InputError, match="numbers from 1 up"):
        EncoderSource(batch_size=0)
