import math

import pytest
import torch

from userip_lightning.ctr.layers.attention import FieldAttention
from userip_lightning.errors import InputError


@pytest.mark.parametrize("scaled", [False, True])
def test_attention_is_its_equation_head_by_head(scaled: bool) -> None:
    torch.manual_seed(0)
    layer = FieldAttention(dim=6, heads=2, scaled=scaled)
    embeddings = torch.randn(4, 3, 6)
    query, key, value, residual = layer.weight.detach()
    expected = torch.empty_like(embeddings)
    for row in range(4):
        e = embeddings[row]
        for head in (slice(0, 3), slice(3, 6)):
            for i in range(3):
                scores = [float((query @ e[i])[head] @ (key @ e[j])[head]) for j in range(3)]
                powers = [math.exp(score / math.sqrt(3) if scaled else score) for score in scores]
                seen = sum(power / sum(powers) * (value @ e[j])[head] for j, power in enumerate(powers))
                expected[row, i, head] = torch.relu(seen + (residual @ e[i])[head])
    assert torch.allclose(layer(embeddings), expected, atol=1e-5)


def test_the_order_of_fields_does_not_matter() -> None:
    torch.manual_seed(0)
    layer = FieldAttention(dim=8, heads=4, scaled=True)
    embeddings, order = torch.randn(5, 4, 8), torch.tensor([2, 0, 3, 1])
    assert torch.allclose(layer(embeddings[:, order]), layer(embeddings)[:, order], atol=1e-6)


@pytest.mark.parametrize("heads", [0, 3])
def test_heads_must_divide_the_width(heads: int) -> None:
    with pytest.raises(InputError, match=f"multiple of heads; got 8 and {heads}"):
        FieldAttention(dim=8, heads=heads, scaled=False)
