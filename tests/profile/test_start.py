"""Where soft tokens start."""

import torch

from tests.profile.test_prompt import Letters
from userip_lightning.profile.start import distinctive_words, embed_start, random_start, start_ids


def test_words_that_everybody_uses_come_last() -> None:
    texts = ["the red dragon the red", "the blue submarine", "the blue tea"]
    assert distinctive_words(texts, 2) == [["red", "dragon"], ["submarine", "blue"], ["tea", "blue"]]
    assert distinctive_words(["", " "], 2) == [[], []]


def test_words_are_spelt_over_the_soft_tokens_and_repeat() -> None:
    ids = start_ids([["ab"], [], ["abcd", "ef"]], Letters(), profiles=2, soft_tokens=2)
    assert ids.shape == (3, 2, 2)
    a, b, c, space = ord("a"), ord("b"), ord("c"), ord(" ")
    assert ids[0].tolist() == [[space, a], [b, space]]
    assert ids[1].tolist() == [[-1, -1], [-1, -1]]
    assert ids[2].tolist() == [[space, a], [b, c]]


def test_start_vectors_are_vocabulary_embeddings() -> None:
    embedding = torch.randn(5, 3)
    z = embed_start(torch.tensor([[[2, -1]]]), embedding)
    assert torch.equal(z[0, 0, 0], embedding[2])
    assert torch.equal(z[0, 0, 1], embedding.mean(0))
    assert embed_start(torch.tensor([[[2]]]), embedding.bfloat16()).dtype == torch.float32


def test_a_random_start_is_the_users_own_and_has_the_vocabulary_s_spread() -> None:
    embedding = torch.randn(100, 64) * 0.136
    z = random_start(torch.tensor([3, 4]), (2, 8, 64), embedding, seed=0)
    assert torch.equal(z[1:], random_start(torch.tensor([4]), (2, 8, 64), embedding, seed=0))
    assert not torch.equal(z, random_start(torch.tensor([3, 4]), (2, 8, 64), embedding, seed=1))
    assert abs(z.std() / embedding.std() - 1) < 0.05
