"""The chunked loss against full logits."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from userip_lightning.lm import target_nll as module
from userip_lightning.lm.target_nll import target_nll


def setting(bias: bool) -> tuple[nn.Linear, Tensor, Tensor, Tensor]:
    torch.manual_seed(0)
    head = nn.Linear(8, 50, bias=bias).requires_grad_(False)
    hidden = torch.randn(23, 8, requires_grad=True)
    return head, hidden, torch.randint(50, (23,)), torch.rand(23)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("tokens", [1, 7, 100])
def test_loss_and_gradient_are_those_of_full_logits(
    bias: bool, tokens: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK_LOGITS", {"cpu": 50 * tokens})
    head, hidden, target, weight = setting(bias)
    ours = target_nll(head, hidden, target)
    theirs = F.cross_entropy(head(hidden), target, reduction="none")
    torch.testing.assert_close(ours, theirs)
    (found,) = torch.autograd.grad((ours * weight).sum(), hidden)
    (expected,) = torch.autograd.grad((theirs * weight).sum(), hidden)
    torch.testing.assert_close(found, expected)


def test_no_tensor_holds_all_logits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK_LOGITS", {"cpu": 50 * 4})
    head, hidden, target, _ = setting(False)
    kept: list[int] = []

    def count(tensor: Tensor) -> Tensor:
        kept.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        target_nll(head, hidden, target)
    assert kept == [hidden.numel()]


def test_without_targets_there_is_no_loss() -> None:
    head, hidden, target, _ = setting(False)
    assert target_nll(head, hidden[:0], target[:0]).shape == (0,)
