"""Where soft tokens start."""

import torch

from userip_lightning.profile.start import embed_start, random_start


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
