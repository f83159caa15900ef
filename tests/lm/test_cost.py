"""Bytes foreseen with fake tensors against bytes of real ones."""

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from transformers import LlamaConfig

from userip_lightning.lm.backbone import FrozenBackbone, load_backbone
from userip_lightning.lm.cost import measure_cost, weight_bytes
from userip_lightning.lm.live_bytes import LiveBytes
from userip_lightning.lm.quantized import Quantization
from userip_lightning.lm.sharded import decoder_blocks
from userip_lightning.lm.source import LMSource, load_config

CPU = torch.device("cpu")
ROWS, TOKENS = 7, 48  # neither is measured with fake tensors
TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@pytest.fixture(params=["tiny_llama", "tiny_gpt2"])
def source(request: pytest.FixtureRequest) -> LMSource:
    folder: Path = request.getfixturevalue(request.param)
    return LMSource(str(folder), dtype="float32", attention="sdpa")


def forward(backbone: FrozenBackbone) -> tuple[Tensor, ...]:
    """What goes in, and the hidden states that come out."""
    inputs = torch.zeros(ROWS, TOKENS, backbone.width, dtype=backbone.dtype).requires_grad_()
    mask = torch.zeros(ROWS, 1, TOKENS, TOKENS, dtype=backbone.dtype)
    position = torch.zeros(ROWS, TOKENS, dtype=torch.int64)
    return inputs, mask, position, backbone.hidden(inputs, mask, position)


def autograd_keeps(backbone: FrozenBackbone) -> int:
    """Bytes of the caller's tensors and of all that autograd saves: counted in another way than foreseen."""
    own = {tensor.untyped_storage()._cdata for tensor in [*backbone.parameters(), *backbone.buffers()]}
    kept: dict[int, torch.UntypedStorage] = {}

    def pack(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage()._cdata] = tensor.untyped_storage()
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        callers = forward(backbone)
    for tensor in callers:
        pack(tensor)
    return sum(storage.nbytes() for key, storage in kept.items() if key not in own)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_activations_are_foreseen(source: LMSource, dtype: str, attention: str) -> None:
    source = replace(source, dtype=dtype, attention=attention)
    cost = measure_cost(load_config(source), TYPES[dtype], attention, TOKENS, CPU)
    backbone = load_backbone(source)
    assert autograd_keeps(backbone) == cost.saved.at(ROWS)
    with LiveBytes() as live:
        *_callers, hidden = forward(backbone)
        assert live.now == cost.saved.at(ROWS)
        hidden.backward(torch.zeros_like(hidden))
    assert live.peak == pytest.approx(cost.peak.at(ROWS), rel=1e-3)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_a_pass_without_gradient_is_foreseen(source: LMSource, attention: str) -> None:
    source = replace(source, attention=attention)
    config = load_config(source)
    cost = measure_cost(config, torch.float32, attention, TOKENS, CPU, learns=False)
    backbone = load_backbone(source)
    with torch.no_grad(), LiveBytes() as live:
        *_callers, hidden = forward(backbone)
        assert live.now == cost.saved.at(ROWS)
    assert not hidden.requires_grad
    assert live.peak == pytest.approx(cost.peak.at(ROWS), rel=1e-3)
    learning = measure_cost(config, torch.float32, attention, TOKENS, CPU)
    assert cost.weights == learning.weights
    assert cost.saved.at(ROWS) < 0.5 * learning.saved.at(ROWS)
    assert cost.logits < learning.logits


@pytest.mark.parametrize("kind", ["none", "int8", "nf4"])
def test_weights_are_foreseen(source: LMSource, kind: Quantization) -> None:
    if kind == "nf4" and find_spec("bitsandbytes") is None:
        pytest.skip("the extra `quantized` (bitsandbytes) is not installed")
    backbone = load_backbone(replace(source, quantization=kind))
    weights = list(backbone.parameters())
    scales = [weight.quant_state.absmax for weight in weights if hasattr(weight, "quant_state")]
    held = sum(tensor.numel() * tensor.element_size() for tensor in [*weights, *backbone.buffers(), *scales])
    assert weight_bytes(load_config(source), torch.float32, kind) == held


def test_activations_of_quantised_weights_are_foreseen(source: LMSource) -> None:
    cost = measure_cost(load_config(source), torch.float32, "sdpa", TOKENS, CPU, "int8")
    backbone = load_backbone(replace(source, quantization="int8"))
    with LiveBytes() as live:
        *_callers, hidden = forward(backbone)
        assert live.now == cost.saved.at(ROWS)
        hidden.backward(torch.zeros_like(hidden))
    assert live.peak == pytest.approx(cost.peak.at(ROWS), rel=1e-3)


def test_divided_weights_are_a_share_of_the_blocks_and_two_gathered_ones(source: LMSource) -> None:
    config, backbone = load_config(source), load_backbone(source)
    blocks = decoder_blocks(backbone.model)
    inside = sum(weight.numel() * 4 for weight in blocks.parameters())
    whole = weight_bytes(config, torch.float32, "none")
    assert weight_bytes(config, torch.float32, "none", processes=4) == whole - inside + inside // 4 + inside


def test_a_model_of_seven_billion_weights_is_asked_without_having_them() -> None:
    config = LlamaConfig(
        vocab_size=32000,
        hidden_size=4096,
        intermediate_size=11008,
        num_hidden_layers=32,
        num_attention_heads=32,
        max_position_embeddings=4096,
    )
    cost = measure_cost(config, torch.bfloat16, "sdpa", 512, CPU)
    assert cost.weights == pytest.approx(2 * 6_738_415_616, rel=1e-6)
    assert 1.5 * 2**30 < cost.saved.per_row < 2.5 * 2**30
    assert cost.logits > 256 * 32000 * 4
