import numpy as np
import pytest

from userip_lightning.errors import InputError
from userip_lightning.texts.bag_of_words import bag_of_words


def test_texts_that_share_words_are_alike():
    texts = [
        "space war hero",
        "space war saga",
        "space war",
        "farm life",
        "farm life calm",
        "farm life fun",
        "",
    ]
    vectors = bag_of_words(texts)
    assert vectors.shape[0] == 7
    near, far = vectors[0] @ vectors[1], vectors[0] @ vectors[3]
    assert near > far + 0.1
    assert not vectors[6].any()
    assert np.array_equal(vectors, bag_of_words(texts))


def test_narrower_vectors_are_the_leading_columns():
    draws = np.random.default_rng(0).geometric(0.3, (60, 4))
    texts = [" ".join(f"word{n}" for n in row) for row in draws]  # words of many frequencies
    wide, narrow = bag_of_words(texts, 6), bag_of_words(texts, 2)
    assert wide.shape == (60, 6)
    np.testing.assert_allclose(np.abs(narrow), np.abs(wide[:, :2]), atol=1e-3)  # their signs are free


@pytest.mark.parametrize(
    "texts", [[""] * 5, ["alike"] * 5, ["one", "two"], ["a b c"] * 2, ["same old title"] * 5]
)
def test_too_few_words_are_refused(texts):
    with pytest.raises(InputError, match="too little for a bag of words"):
        bag_of_words(texts)
