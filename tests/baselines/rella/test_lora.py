"""Adapters: nothing changes before they learn, and merging them changes nothing after."""

from importlib.util import find_spec

import pytest
import torch
from peft.tuners.lora import LoraLayer
from transformers import LlamaConfig, LlamaForCausalLM

from userip_lightning.baselines.language_model import load_language_model
from userip_lightning.baselines.rella.lora import adapter_weights, add_adapters
from userip_lightning.errors import InputError
from userip_lightning.lm.source import LMSource

IDS = torch.arange(12).reshape(2, 6) + 5


def model_of(folder, dtype="float32", quantization="none"):
    return load_language_model(LMSource(name=str(folder), dtype=dtype, quantization=quantization))


def adapters(model):
    return [layer for layer in model.modules() if isinstance(layer, LoraLayer)]


def set_up(model, targets):
    """Adapters that have learned something, without dropout."""
    torch.manual_seed(0)
    add_adapters(model, 4, 8, 0.0, targets)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.1)


@pytest.mark.parametrize(("lm", "targets"), [("tiny_llama", ["q_proj", "v_proj"]), ("tiny_gpt2", ["c_attn"])])
def test_merged_and_unmerged_logits_agree(lm, targets, request):
    model = model_of(request.getfixturevalue(lm))
    before = model(IDS).logits.detach()
    set_up(model, targets)
    assert len(adapters(model)) == 2 * len(targets)  # two layers
    unmerged = model(IDS).logits.detach()
    assert not torch.allclose(unmerged, before, atol=1e-3)
    for layer in adapters(model):
        layer.merge()
    merged = model(IDS).logits.detach()
    assert torch.allclose(merged, unmerged, atol=1e-5, rtol=0)  # float32


def test_a_new_adapter_changes_nothing(tiny_llama):
    model = model_of(tiny_llama)
    before = model(IDS).logits.detach()
    add_adapters(model, 4, 8, 0.5, ["q_proj"])
    assert torch.equal(model(IDS).logits, before)


def test_by_hand(tiny_llama):
    model = model_of(tiny_llama)
    set_up(model, ["q_proj"])
    layer = adapters(model)[0]
    x = torch.randn(3, 32)
    a, b = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    expected = x @ layer.base_layer.weight.T + 8 / 4 * (x @ a.T @ b.T)
    assert torch.allclose(layer(x), expected, atol=1e-6)


def test_adapters_alone_learn_and_are_float32_beside_half_precision(tiny_llama):
    model = model_of(tiny_llama, "bfloat16")
    add_adapters(model, 4, 8, 0.05, ["q_proj", "v_proj"])
    learning = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    assert sorted(learning) == sorted(adapter_weights(dict(model.state_dict())))
    assert {weight.dtype for weight in learning.values()} == {torch.float32}
    assert {w.dtype for n, w in model.named_parameters() if n not in learning} == {torch.bfloat16}
    assert model(IDS).logits.isfinite().all()
    assert not model.training
    assert all(layer.lora_dropout["default"].training for layer in adapters(model))


@pytest.mark.parametrize(
    ("lm", "has"),
    [("tiny_gpt2", "c_attn, c_fc, c_proj"), ("tiny_llama", "down_proj, gate_proj, k_proj, o_proj, q_proj")],
)
def test_a_module_that_the_model_does_not_have_is_refused(lm, has, request):
    with pytest.raises(InputError, match=f"no linear layer 'query'; it has {has}"):
        add_adapters(model_of(request.getfixturevalue(lm)), 4, 8, 0.0, ["query"])


@pytest.mark.skipif(
    find_spec("bitsandbytes") is None, reason="the extra `quantized` (bitsandbytes) is not installed"
)
def test_adapters_learn_beside_layers_of_four_bits(tmp_path):
    config = LlamaConfig(  # of 64 inputs, a group of weights that share a scale
        vocab_size=32,
        hidden_size=64,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=1,
    )
    LlamaForCausalLM(config).save_pretrained(tmp_path)
    model = model_of(tmp_path, quantization="nf4")
    add_adapters(model, 4, 8, 0.0, ["q_proj", "v_proj"])
    with torch.no_grad():
        model(IDS)  # as a validation does
    model(IDS).logits.square().sum().backward()
    gradients = {name: w.grad for name, w in model.named_parameters() if w.grad is not None}
    assert len(gradients) == 4
    assert gradients.keys() == adapter_weights(dict(model.named_parameters())).keys()


def test_layers_of_eight_bits_are_refused(tiny_llama):
    with pytest.raises(InputError, match="adapters do not go beside 'int8' layers"):
        add_adapters(model_of(tiny_llama, quantization="int8"), 4, 8, 0.0, ["q_proj"])
