"""Frozen weights in 8 and 4 bits: how far the likelihood moves, where the gradient goes, what is refused."""

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from userip_lightning.errors import InputError
from userip_lightning.lm.backbone import FrozenBackbone, load_backbone
from userip_lightning.lm.live_bytes import LiveBytes
from userip_lightning.lm.quantized import GROUP, Int8Linear, Quantization, nf4_config
from userip_lightning.lm.source import LMSource

needs_bitsandbytes = pytest.mark.skipif(
    find_spec("bitsandbytes") is None, reason="the extra `quantized` (bitsandbytes) is not installed"
)
KINDS = [pytest.param("int8"), pytest.param("nf4", marks=needs_bitsandbytes)]
#: Nats per token that a model of random weights may move by, and the least cosine of its gradients.
BOUNDS = {"int8": (2e-4, 0.9995), "nf4": (5e-3, 0.98)}


@pytest.fixture(params=["tiny_llama", "tiny_gpt2"])
def source(request: pytest.FixtureRequest) -> LMSource:
    folder: Path = request.getfixturevalue(request.param)
    return LMSource(str(folder), dtype="float32")


def nats(backbone: FrozenBackbone, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Mean negative log-likelihood of some tokens, and its gradient at their embeddings."""
    ids = torch.randint(400, (3, 24), generator=torch.Generator().manual_seed(seed))
    inputs = backbone.embed(ids).detach().requires_grad_()
    mask = torch.full((24, 24), torch.finfo(inputs.dtype).min, dtype=inputs.dtype).triu(1)
    position = torch.arange(24).expand(3, -1)
    hidden = backbone.hidden(inputs, mask.expand(3, 1, -1, -1), position)
    loss = F.cross_entropy(backbone.head(hidden[:, :-1].flatten(0, 1)).float(), ids[:, 1:].flatten())
    (gradient,) = torch.autograd.grad(loss, inputs)
    return loss.detach(), gradient


@pytest.mark.parametrize("kind", KINDS)
def test_likelihood_and_gradient_are_those_of_the_plain_model_nearly(
    source: LMSource, kind: Quantization
) -> None:
    loss, gradient = nats(load_backbone(source))
    close, close_gradient = nats(load_backbone(replace(source, quantization=kind)))
    distance, cosine = BOUNDS[kind]
    assert 0 < (close - loss).abs() < distance
    assert F.cosine_similarity(close_gradient.flatten(), gradient.flatten(), dim=0) > cosine


@pytest.mark.parametrize("kind", KINDS)
def test_a_pass_without_gradients_takes_none_from_later_ones(source: LMSource, kind: Quantization) -> None:
    small = load_backbone(replace(source, quantization=kind))
    before = nats(small)[1]
    ids = torch.arange(6).view(1, 6)
    mask = torch.full((6, 6), torch.finfo(torch.float32).min).triu(1).view(1, 1, 6, 6)
    with torch.no_grad():
        small.hidden(small.embed(ids), mask, ids)
    assert torch.equal(nats(small)[1], before)


@pytest.mark.parametrize("kind", KINDS)
def test_embeddings_and_head_stay_whole_and_the_rest_shrinks(source: LMSource, kind: Quantization) -> None:
    plain, small = load_backbone(source), load_backbone(replace(source, quantization=kind))
    assert torch.equal(plain.words.weight, small.words.weight)
    assert torch.equal(plain.model.get_output_embeddings().weight, small.model.get_output_embeddings().weight)
    assert small.model.get_memory_footprint() < plain.model.get_memory_footprint()
    assert not any(weight.requires_grad for weight in small.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_the_fingerprint_tells_kinds_apart_and_repeats(source: LMSource, kind: Quantization) -> None:
    small = replace(source, quantization=kind)
    assert load_backbone(small).fingerprint() == load_backbone(small).fingerprint()
    assert load_backbone(small).fingerprint() != load_backbone(source).fingerprint()


@pytest.mark.parametrize("kind", ["none", *KINDS])
def test_weights_pass_strict_loading_of_a_checkpoint(source: LMSource, kind: Quantization) -> None:
    whole = nn.ModuleDict({"backbone": load_backbone(replace(source, quantization=kind))})
    before = nats(whole["backbone"])[0]
    assert str(whole.load_state_dict(whole.state_dict(), strict=True)) == "<All keys matched successfully>"
    assert torch.equal(nats(whole["backbone"])[0], before)


def test_a_weight_is_off_by_half_a_step_of_its_group_at_most() -> None:
    linear = nn.Linear(2 * GROUP, 5)
    linear.weight.data[0, :GROUP] = 0
    linear.weight.data[1, 3] = 40  # an outlier costs its own group alone
    exact, rounded = linear.weight.detach(), Int8Linear(linear)(torch.eye(2 * GROUP)).T
    step = exact.view(5, 2, GROUP).abs().amax(-1, keepdim=True) / 127
    off = (rounded - linear.bias.detach().unsqueeze(1) - exact).view(5, 2, GROUP).abs()
    assert (off <= 0.5 * step + 1e-5).all()
    assert off[0, 0].max() < 1e-7
    assert off[1, 1].max() < 1e-3


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_scales_in_short_types_add_no_error_of_their_own(dtype: torch.dtype) -> None:
    linear = nn.Linear(GROUP, 8).to(dtype)
    product = Int8Linear(linear)(torch.eye(GROUP, dtype=dtype)).T - linear.bias.unsqueeze(1)
    largest = linear.weight.abs().amax().float()
    assert (product - linear.weight).float().abs().max() < 1.5 * largest / 127


def test_no_full_weight_outlives_its_product() -> None:
    layers = nn.Sequential(*(Int8Linear(nn.Linear(256, 256)) for _ in range(6)))
    inputs = torch.ones(1, 256, requires_grad=True)
    with LiveBytes() as live:
        out = layers(inputs)
        assert live.now == 256 * 4  # the output
        out.backward(torch.ones_like(out))
        assert live.peak < 2.5 * 256 * 256 * 4  # of six layers, one at a time, with its copy


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("userip_lightning.lm.quantized.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'userip-lightning\[quantized\]'"):
        nf4_config(torch.float32)


def test_what_cannot_be_combined_is_refused() -> None:
    with pytest.raises(InputError, match="GGUF"):
        LMSource("lm", gguf_file="lm.gguf", quantization="nf4")
    with pytest.raises(InputError, match="not divided among processes"):
        LMSource("lm", quantization="int8", sharded=True)
