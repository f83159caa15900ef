"""What models hand over to their attention is applied or refused, never dropped."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from userip_lightning.errors import InputError
from userip_lightning.lm import attention
from userip_lightning.lm.attention import attend

ROWS, HEADS, SHARED, TOKENS, WIDTH, OUT = 2, 4, 2, 5, 8, 6


class Layer(nn.Module):
    num_key_value_groups = HEADS // SHARED


def given(seed: int = 0) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    query = 3 * torch.randn(ROWS, HEADS, TOKENS, WIDTH, generator=draw)
    key = torch.randn(ROWS, SHARED, TOKENS, WIDTH, generator=draw)
    value = torch.randn(ROWS, SHARED, TOKENS, OUT, generator=draw)
    mask = torch.full((ROWS, 1, TOKENS, TOKENS), torch.finfo(torch.float32).min).triu(1)
    return query.requires_grad_(), key, value, mask


def written_out(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor,
    sinks: Tensor | None = None,
    softcap: float | None = None,
    bias: Tensor | None = None,
) -> Tensor:
    """[B, Q, H, e] as the formula says, head by head."""
    outs = []
    for head in range(HEADS):
        scores = query[:, head] @ key[:, head // 2].transpose(1, 2) / WIDTH**0.5
        if softcap is not None:
            scores = softcap * torch.tanh(scores / softcap)
        scores = scores + mask[:, 0] + (0 if bias is None else bias[:, head])
        weight = scores.exp()
        total = weight.sum(-1, keepdim=True) + (0 if sinks is None else sinks[head].exp())
        outs.append(weight / total @ value[:, head // 2])
    return torch.stack(outs, 2)


SINKS = torch.tensor([0.5, -1.0, 2.0, 0.0])
BIAS = torch.randn(1, HEADS, TOKENS, TOKENS, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("longest", [attention.SHORT, 0], ids=["products", "sdpa"])
@pytest.mark.parametrize(
    ("handed", "formula"),
    [
        ({}, {}),
        ({"s_aux": SINKS}, {"sinks": SINKS}),
        ({"softcap": 1.5}, {"softcap": 1.5}),
        ({"s_aux": SINKS, "softcap": 1.5}, {"sinks": SINKS, "softcap": 1.5}),
        ({"position_bias": BIAS}, {"bias": BIAS}),
    ],
    ids=["nothing", "sinks", "cap", "both", "bias"],
)
def test_attention_is_what_the_formula_says(
    longest: int, handed: dict[str, Any], formula: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention, "SHORT", longest)
    query, key, value, mask = given()
    found, _ = attend(Layer(), query, key, value, mask, scaling=WIDTH**-0.5, sliding_window=3, **handed)
    expected = written_out(query, key, value, mask, **formula)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)
    weight = torch.randn(found.shape, generator=torch.Generator().manual_seed(1))
    (ours,), (theirs,) = (torch.autograd.grad((one * weight).sum(), query) for one in (found, expected))
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-3)


def test_what_is_not_known_is_refused_and_what_is_none_is_not() -> None:
    with pytest.raises(InputError, match=r"Layer hands its attention alibi, which 'auto' does not know"):
        attend(Layer(), *given(), alibi=torch.ones(1), block_indices=None)
    attend(Layer(), *given(), block_indices=None)


def test_sinks_without_a_mask_are_refused() -> None:
    query, key, value, _ = given()
    with pytest.raises(InputError, match=r"set lm\.attention to eager"):
        attend(Layer(), query, key, value, None, s_aux=SINKS)
