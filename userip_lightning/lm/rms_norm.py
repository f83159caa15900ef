"""Root-mean-square normalisation of a frozen LM in fewer passes over memory.

    y = w ⊙ x r,    r = (mean x² + ε)^-1/2        ∂L/∂x = r (h - x r² mean(h ⊙ x)),    h = w ⊙ ∂L/∂y

(Zhang and Sennrich, 2019.) transformers writes it in float32 step by step, and autograd keeps and revisits
every step. With a frozen w the gradient has this closed form: x and r are kept, and each direction takes
about half the passes. As there, arithmetic is float32 and the normalised x is rounded before it meets w.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.amp import is_autocast_available


class FrozenRMSNorm(nn.Module):
    """Takes the place of a model's own RMSNorm.

    Args:
        weight: [D], frozen.
        epsilon: ε.
    """

    def __init__(self, weight: Tensor, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight, requires_grad=False)
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        """[..., D] to [..., D] of the same type."""
        return cast(Tensor, cast(Any, _Normalise).apply(x, self.weight, self.epsilon))


class _Normalise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
        wide = x.float()
        square = torch.linalg.vector_norm(wide, dim=-1, keepdim=True).square_()
        scale = square.div_(x.shape[-1]).add_(epsilon).rsqrt_()
        ctx.save_for_backward(x, weight, scale)
        normal = wide * scale if wide is x else wide.mul_(scale)
        return weight * normal.to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *above: Tensor) -> tuple[Tensor, None, None]:
        x, weight, scale = ctx.saved_tensors
        given, wide = (above[0] * weight).float(), x.float()
        with _without_autocast(x.device.type):
            along = torch.linalg.vecdot(given, wide).unsqueeze(-1) * scale.square() / x.shape[-1]
        return given.sub(wide * along).mul_(scale).to(x.dtype), None, None


def _without_autocast(device: str) -> AbstractContextManager[Any]:
    """Autocast would take a product in 16 bits. Planning runs on devices that have no autocast."""
    return torch.autocast(device, enabled=False) if is_autocast_available(device) else nullcontext()


#: Norms of transformers that compute just this.
_ALIKE = ("LlamaRMSNorm", "MistralRMSNorm", "Qwen2RMSNorm", "Qwen3RMSNorm")


def replace_norms(model: nn.Module) -> None:
    """Replace every Llama-like RMSNorm of a frozen model."""
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if type(child).__name__ in _ALIKE:
                norm: Any = child
                setattr(parent, name, FrozenRMSNorm(norm.weight.data, norm.variance_epsilon))
