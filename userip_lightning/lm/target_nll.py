"""Negative log-likelihood of target tokens from hidden states, a chunk of tokens at a time.

    nll_n = log Σ_v exp(w_v · x_n) - w_{y_n} · x_n        ∂nll_n/∂x_n = Σ_v softmax_v w_v - w_{y_n}

The logits [N, V] of a batch never exist: a chunk's gradient with respect to x is formed along with its loss,
[N, D] in all, and scaled by what comes from above. That needs a frozen head, for none flows to w. (torch's
``linear_cross_entropy`` needs 2.15; Liger's fused loss reduces over tokens, here each counts for its user.)
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

#: Logits of a chunk: 64 MiB of float32 stay in a CPU's reach, a GPU wants larger products.
CHUNK_LOGITS = {"cpu": 1 << 24, "cuda": 1 << 27}


def target_nll(head: nn.Module, hidden: Tensor, target: Tensor) -> Tensor:
    """[N] float32 nats of every target.

    Args:
        head: the LM's frozen output layer, with ``weight`` [V, D] and perhaps ``bias`` [V].
        hidden: [N, D].
        target: [N] int64.
    """
    nll: Tensor = cast(Any, _TargetNLL).apply(hidden, target, head.weight, getattr(head, "bias", None))
    return nll


def chunk_tokens(vocabulary: int, device: str) -> int:
    """Target tokens whose logits exist at a time."""
    return max(1, CHUNK_LOGITS["cpu" if device == "cpu" else "cuda"] // vocabulary)


class _TargetNLL(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: Tensor, target: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        needed = ctx.needs_input_grad[0]
        nll = torch.empty(len(target), dtype=torch.float32, device=hidden.device)
        gradient = torch.empty_like(hidden) if needed else None
        step = chunk_tokens(len(weight), hidden.device.type)
        for first in range(0, len(target), step):
            part = slice(first, first + step)
            logits = F.linear(hidden[part], weight, bias).float()
            chosen = target[part].unsqueeze(1)
            total = logits.logsumexp(1, keepdim=True)
            nll[part] = (total - logits.gather(1, chosen)).squeeze(1)
            if gradient is not None:
                share = logits.sub_(total).exp_()
                share.scatter_add_(1, chosen, share.new_full(chosen.shape, -1.0))
                gradient[part] = (share.to(weight.dtype) @ weight).to(gradient.dtype)
        if gradient is not None:
            ctx.save_for_backward(gradient)
        return nll

    @staticmethod
    def backward(ctx: Any, *above: Tensor) -> tuple[Tensor | None, None, None, None]:
        (gradient,) = ctx.saved_tensors
        return gradient * above[0].unsqueeze(1).to(gradient.dtype), None, None, None
