"""Frozen weights in 8 or 4 bits, for a language model that does not fit its device.

Both kinds quantise weights alone. Activations keep their type, so that the likelihood of a user does not
depend on who shares their batch, and the gradient is that of the function that is computed.

- ``int8``: groups of 64 weights along the input share a scale s = max|w| / 127; w ≈ s · q, |q| ≤ 127. Our
  own, because LLM.int8() of bitsandbytes also quantises activations (in float16, with outliers chosen per
  batch) and keeps them for the backward pass; docs/benchmarks.md has the errors of all of these.
- ``nf4``: the 4-bit type of QLoRA (Dettmers et al., 2023) through bitsandbytes, in groups of 64.

Only linear layers of the decoder are quantised: embeddings, norms and the output head stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import FunctionCtx
from torch.nn import functional as F
from transformers import BitsAndBytesConfig
from transformers.pytorch_utils import Conv1D

from userip_lightning.errors import InputError

Quantization = Literal["none", "int8", "nf4"]

#: Weights that share a scale; a layer whose input is no multiple of it has one scale per output.
GROUP = 64


class Int8Linear(nn.Module):
    """A frozen linear layer whose weights are whole numbers of 8 bits with a scale per group.

    Args:
        linear: an ``nn.Linear``, or the transposed one of GPT-2.
    """

    def __init__(self, linear: nn.Linear | Conv1D) -> None:
        super().__init__()
        full = linear.weight.detach()
        weight, scale = _round(full if isinstance(linear, nn.Linear) else full.T)
        bias = None if linear.bias is None else linear.bias.detach()
        self.register_buffer("weight", weight)
        self.register_buffer("scale", scale)
        self.register_buffer("bias", bias)
        self.weight: Tensor
        self.scale: Tensor
        self.bias: Tensor | None

    def forward(self, inputs: Tensor) -> Tensor:
        """[..., I] to [..., O]."""
        apply: Any = _Product.apply  # torch lacks the type
        return cast(Tensor, apply(inputs, self.weight, self.scale, self.bias))


class _Product(Function):
    """x Wᵀ + b; W is written out for one product at a time and never kept for the backward pass."""

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, weight: Tensor, scale: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(weight, scale)
        return F.linear(x, _restore(weight, scale, x.dtype), bias)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:
        weight, scale = ctx.saved_tensors
        return grad @ _restore(weight, scale, grad.dtype), None, None, None


def _round(weight: Tensor) -> tuple[Tensor, Tensor]:
    """[O, I] to [O, I / G, G] int8 and its [O, I / G, 1] scale in the weights' type."""
    outputs, inputs = weight.shape
    groups = weight.reshape(outputs, -1, GROUP if inputs % GROUP == 0 else inputs)
    scale = groups.abs().amax(-1, keepdim=True).float().div(127).to(weight.dtype)
    scale = torch.where(scale == 0, 1, scale)  # a group of zeros
    # with the scale as it is stored, so that its own rounding adds no error
    return (groups.float() / scale.float()).round().clamp(-127, 127).to(torch.int8), scale


def _restore(weight: Tensor, scale: Tensor, dtype: torch.dtype) -> Tensor:
    """[O, I] weights of ``dtype``."""
    return (weight.to(dtype) * scale.to(dtype)).flatten(1)


def quantizable(model: Any) -> Iterator[tuple[nn.Module, str, nn.Linear | Conv1D]]:
    """Linear layers that may be quantised, each with its parent and its name there."""
    head = model.get_output_embeddings()
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if (type(child) is nn.Linear or isinstance(child, Conv1D)) and child is not head:
                yield parent, name, child


def to_int8(model: object) -> None:
    """Replace the linear layers of ``model`` by :class:`Int8Linear`, one after the other."""
    for parent, name, linear in quantizable(model):
        setattr(parent, name, Int8Linear(linear))


def quantized_bytes(linear: nn.Linear | Conv1D, kind: Literal["int8", "nf4"]) -> int:
    """Bytes of the weights of ``linear`` once they are quantised, without its bias."""
    weights, size = linear.weight.numel(), linear.weight.element_size()
    if kind == "nf4":
        return weights // 2 + -(-weights // GROUP) * 4  # scales are float32
    inputs = linear.in_features if isinstance(linear, nn.Linear) else linear.weight.shape[0]
    return weights + weights // (GROUP if inputs % GROUP == 0 else inputs) * size


def keep_gradients(model: nn.Module) -> None:
    """Keep 4-bit layers on a CPU from packing their weights for inference.

    A layer of bitsandbytes does that at its first forward pass without gradients, where the CPU multiplies
    bfloat16, and gives no gradient ever after, without a word (0.50; its packed product has no derivative).
    """
    for layer in model.modules():
        if hasattr(layer, "support_avx512bf16_for_cpu"):
            setattr(layer, "support_avx512bf16_for_cpu", False)  # noqa: B010, no type of ours


def nf4_config(dtype: torch.dtype) -> BitsAndBytesConfig:
    """What ``from_pretrained`` needs to load weights in 4 bits and multiply in ``dtype``.

    Raises:
        InputError: bitsandbytes is not installed.
    """
    if find_spec("bitsandbytes") is None:
        raise InputError(
            "lm.quantization: 'nf4' needs bitsandbytes, which is not installed; run "
            "`pip install 'userip-lightning[quantized]'`, or use 'int8', which needs nothing more."
        )
    make: Any = BitsAndBytesConfig  # transformers lacks the type
    config: BitsAndBytesConfig = make(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype
    )
    return config
