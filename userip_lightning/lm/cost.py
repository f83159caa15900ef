"""What a frozen LM costs in bytes, found before its weights are loaded.

The model is built with fake tensors, which have shapes and types and no memory, and run forward and backward
on two batches; every storage is counted while it lives. Nothing is estimated per architecture. Fake tensors
choose the same attention kernels as real ones (the meta device would take the slowest one and count T² bytes
that are never used), so the figures are those of the device that is asked about. What kernels use inside
themselves is not seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional as F
from transformers import AutoModelForCausalLM

from userip_lightning.lm.backbone import FrozenBackbone
from userip_lightning.lm.live_bytes import LiveBytes
from userip_lightning.lm.quantized import Quantization, quantizable, quantized_bytes, to_int8
from userip_lightning.lm.sharded import decoder_blocks

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

#: Rows of the two batches; one row alone would take short cuts that larger batches do not.
_FEW, _MORE = 2, 4


class Line(NamedTuple):
    """Bytes as a linear function of the rows in a batch."""

    fixed: int
    per_row: int

    def at(self, rows: int) -> int:
        """Bytes for ``rows`` rows."""
        return self.fixed + rows * self.per_row


class LMCost(NamedTuple):
    """Bytes that a frozen LM needs on a device, for rows of ``tokens`` tokens."""

    tokens: int
    weights: int
    saved: Line  #  kept after the forward pass, for the backward one if there is one
    peak: Line  #   the most that both passes have alive at a time, ``saved`` included
    logits: int  #  the most that one chunk of vocabulary logits has alive


def measure_cost(
    config: PreTrainedConfig,
    dtype: torch.dtype,
    attention: str,
    tokens: int,
    device: torch.device,
    quantization: Quantization = "none",
    processes: int = 1,
    chunk: int = 256,
    learns: bool = True,
) -> LMCost:
    """Count the bytes of one gradient step on soft tokens, or of one forward pass.

    Args:
        config: of any causal LM, from :func:`userip_lightning.lm.source.load_config`.
        dtype: of its weights.
        attention: ``attn_implementation`` of transformers.
        tokens: T of a row, prefix included.
        device: where it will run; a CUDA device can be asked about only where there is one.
        quantization: of its weights; nf4 is taken to keep what int8 keeps.
        processes: among which its blocks are divided; 1 where they are not.
        chunk: target tokens whose vocabulary logits exist at a time.
        learns: whether there is a backward pass.
    """
    with _imagined(config, dtype, attention, device) as model:
        weights = _weights(model, quantization, processes)
        if quantization != "none":
            to_int8(model)
        backbone = FrozenBackbone(model)
        with torch.set_grad_enabled(learns):
            few, more = (_step(backbone, rows, tokens) for rows in (_FEW, _MORE))
            logits = _logits(backbone, chunk)
        saved, peak = (_line(a, b) for a, b in zip(few, more, strict=True))
        return LMCost(tokens, weights, saved, peak, logits)


def weight_bytes(
    config: PreTrainedConfig, dtype: torch.dtype, quantization: Quantization, processes: int = 1
) -> int:
    """Bytes of the weights alone; see :func:`measure_cost`."""
    with _imagined(config, dtype, "eager", torch.device("cpu")) as model:
        return _weights(model, quantization, processes)


@contextmanager
def _imagined(
    config: PreTrainedConfig, dtype: torch.dtype, attention: str, device: torch.device
) -> Iterator[Any]:
    """The model with fake weights; valid within the context."""
    with FakeTensorMode(), device:
        make: Any = AutoModelForCausalLM.from_config  # transformers lacks the type
        model = make(config, dtype=dtype, attn_implementation=attention, trust_remote_code=False)
        yield model.eval().requires_grad_(False)


def _weights(model: PreTrainedModel, quantization: Quantization, processes: int) -> int:
    total: int = _bytes(model)
    if quantization != "none":
        for _, _, linear in quantizable(model):
            weight = linear.weight
            total += quantized_bytes(linear, quantization) - weight.numel() * weight.element_size()
    if processes > 1:
        blocks = decoder_blocks(model)
        inside = _bytes(blocks)
        # one block is gathered while the one before is computed
        total += inside // processes - inside + 2 * max(_bytes(block) for block in blocks)
    return total


def _bytes(module: nn.Module) -> int:
    tensors: list[Tensor] = [*module.parameters(), *module.buffers()]
    return int(sum(tensor.numel() * tensor.element_size() for tensor in tensors))


def _step(backbone: FrozenBackbone, rows: int, tokens: int) -> tuple[int, int]:
    """Bytes that are kept for the backward pass, and the most that either pass has alive.

    Without gradients there is no backward pass, and what is kept are input and output.
    """
    live = LiveBytes()
    with live:
        inputs = torch.zeros(rows, tokens, backbone.width, dtype=backbone.dtype).requires_grad_()
        mask = torch.zeros(rows, 1, tokens, tokens, dtype=backbone.dtype)
        position = torch.zeros(rows, tokens, dtype=torch.int64)
        hidden = backbone.hidden(inputs, mask, position)
        saved = live.now
        if hidden.requires_grad:
            hidden.backward(torch.zeros_like(hidden))  # type: ignore[no-untyped-call]  # torch lacks the type
    return saved, live.peak


def _logits(backbone: FrozenBackbone, chunk: int) -> int:
    """Bytes of one chunk of logits in float32, its cross-entropy and, if any, its gradient at the states."""
    head = backbone.model.get_output_embeddings()
    live = LiveBytes()
    with live:
        hidden = torch.zeros(chunk, backbone.width, dtype=backbone.dtype).requires_grad_()
        nats: Tensor = F.cross_entropy(head(hidden).float(), torch.zeros(chunk, dtype=torch.int64))
        if nats.requires_grad:
            nats.backward()  # type: ignore[no-untyped-call]  # torch lacks the type
    return live.peak


def _line(few: int, more: int) -> Line:
    per_row = -(-(more - few) // (_MORE - _FEW))
    return Line(max(0, few - _FEW * per_row), per_row)
