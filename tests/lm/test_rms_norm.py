"""The frozen norm against the one of transformers."""

from pathlib import Path

import pytest
import torch
from transformers.models.llama.modeling_llama import LlamaRMSNorm

from userip_lightning.lm.backbone import load_backbone
from userip_lightning.lm.rms_norm import FrozenRMSNorm
from userip_lightning.lm.source import LMSource


def pair(dtype: torch.dtype) -> tuple[LlamaRMSNorm, FrozenRMSNorm, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    theirs = LlamaRMSNorm(64, eps=1e-5).to(dtype).requires_grad_(False)
    theirs.weight.data = torch.rand(64).to(dtype) + 0.5
    x = (torch.randn(3, 7, 64) * torch.tensor([0.01, 1.0, 30.0])[:, None, None]).to(dtype)
    return theirs, FrozenRMSNorm(theirs.weight.data, 1e-5), x, torch.randn(3, 7, 64).to(dtype)


def test_values_and_gradients_in_float32() -> None:
    theirs, ours, x, above = pair(torch.float32)
    found = []
    for norm in (theirs, ours):
        leaf = x.clone().requires_grad_()
        y = norm(leaf)
        y.backward(above)
        found.append((y, leaf.grad))
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(b, a, rtol=1e-5, atol=1e-6)
    assert torch.equal(x, pair(torch.float32)[2])  # not changed in place


def test_bfloat16_differs_by_its_last_digit_at_most() -> None:
    theirs, ours, x, above = pair(torch.bfloat16)
    exact = pair(torch.float32)[0]
    exact.weight.data = theirs.weight.data.float()
    leaves = [x.clone().requires_grad_(), x.clone().requires_grad_(), x.float().requires_grad_()]
    norms = (theirs, ours, exact)
    for leaf, norm in zip(leaves, norms, strict=True):
        norm(leaf).backward(above.to(leaf.dtype))
    torch.testing.assert_close(ours(x), theirs(x), rtol=2**-7, atol=0)
    errors = [(leaf.grad.float() - leaves[2].grad).norm() for leaf in leaves[:2]]
    assert errors[1] <= 1.05 * errors[0]


def test_autocast_rounds_neither_values_nor_gradients() -> None:
    _, ours, x, above = pair(torch.float32)
    found = []
    for enabled in (False, True):
        leaf = x.clone().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            y = ours(leaf)
            y.backward(above)
        found.append((y, leaf.grad))
    for a, b in zip(*found, strict=True):
        assert torch.equal(a, b)


def test_it_takes_the_place_of_a_model_s_own(tiny_llama: Path) -> None:
    backbone = load_backbone(LMSource(str(tiny_llama), dtype="float32"))
    kinds = {type(module).__name__ for module in backbone.modules()}
    assert "FrozenRMSNorm" in kinds
    assert "LlamaRMSNorm" not in kinds
    assert not any(weight.requires_grad for weight in backbone.parameters())


@pytest.mark.parametrize("shape", [(64,), (2, 64), (2, 3, 4, 64)])
def test_any_leading_shape(shape: tuple[int, ...]) -> None:
    theirs, ours, _, _ = pair(torch.float32)
    x = torch.randn(shape)
    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-5, atol=1e-6)
