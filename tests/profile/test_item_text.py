import numpy as np
import torch
from torch import nn

from userip_lightning.lm.word_vectors import WordVectors
from userip_lightning.profile.item_text import item_vectors
from userip_lightning.profile.prompt_bodies import Tokens


def test_vectors_are_means_of_embeddings_weighted_by_how_rare_a_token_is() -> None:
    embedding = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    words = WordVectors(nn.Embedding.from_pretrained(embedding))
    found = item_vectors(Tokens.of([[1, 2, 2], [1], []]), words)
    rare, common = np.log(3 / 1), np.log(3 / 2)
    expected = (common * embedding[1] + rare * embedding[2]) / (common + rare)
    np.testing.assert_allclose(found[0], expected.numpy(), rtol=2e-3, atol=1e-3)
    np.testing.assert_allclose(found[1], embedding[1].numpy(), rtol=2e-3, atol=1e-3)
    assert not found[2].any()
    assert found.dtype == np.float16
