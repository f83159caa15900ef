"""Where soft tokens start."""

import torch
from torch import Tensor, nn

from userip_lightning.lm.word_vectors import WordVectors
from userip_lightning.profile.start import embed_start, random_start


def words(weight: Tensor) -> WordVectors:
    return WordVectors(nn.Embedding.from_pretrained(weight))


class Scaled(nn.Embedding):
    """An embedding module that multiplies, as Gemma's does."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input) * 8.0


def test_start_vectors_are_vocabulary_embeddings() -> None:
    embedding = torch.randn(5, 3)
    z = embed_start(torch.tensor([[[2, -1]]]), words(embedding))
    assert torch.equal(z[0, 0, 0], embedding[2])
    assert torch.equal(z[0, 0, 1], embedding.mean(0))
    assert embed_start(torch.tensor([[[2]]]), words(embedding.bfloat16())).dtype == torch.float32


def test_a_random_start_is_the_users_own_and_has_the_vocabulary_s_spread() -> None:
    embedding = torch.randn(100, 64) * 0.136
    z = random_start(torch.tensor([3, 4]), (2, 8, 64), words(embedding), seed=0)
    assert torch.equal(z[1:], random_start(torch.tensor([4]), (2, 8, 64), words(embedding), seed=0))
    assert not torch.equal(z, random_start(torch.tensor([3, 4]), (2, 8, 64), words(embedding), seed=1))
    assert abs(z.std() / embedding.std() - 1) < 0.05


def test_a_start_is_what_the_embedding_module_returns_and_not_its_weight() -> None:
    weight = torch.randn(
        40_000, 4, generator=torch.Generator().manual_seed(0)
    )  # more than are asked at a time
    plain, scaled = words(weight), WordVectors(Scaled.from_pretrained(weight))
    ids = torch.tensor([[[2, -1], [39_999, 0]]])
    torch.testing.assert_close(embed_start(ids, scaled), 8 * embed_start(ids, plain))
    torch.testing.assert_close(scaled.all(), 8 * weight)
    torch.testing.assert_close(scaled.std(), 8 * weight.std())
    shape = (1, 1, 4)
    ours, theirs = (random_start(torch.tensor([3]), shape, one, seed=0) for one in (scaled, plain))
    torch.testing.assert_close(ours, 8 * theirs)
