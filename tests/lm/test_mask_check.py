"""A trial at load finds a model that would be scored wrongly, and says why."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import BloomConfig, FalconConfig, PreTrainedConfig

from userip_lightning.errors import InputError
from userip_lightning.lm import mask_check
from userip_lightning.lm.backbone import FrozenBackbone, load_backbone
from userip_lightning.lm.families import refuse_family
from userip_lightning.lm.mask_check import refuse_misread
from userip_lightning.lm.planner import SoftTokens, plan_run
from userip_lightning.lm.source import LMSource


@pytest.fixture(params=["auto", "sdpa", "eager"])
def backbone(request: pytest.FixtureRequest, tiny_llama: Path) -> FrozenBackbone:
    found = load_backbone(LMSource(str(tiny_llama), attention=request.param, dtype="float32"))
    for name, weight in found.model.named_parameters():
        if "_proj" in name:
            weight.data *= 10  # so that attention is not even, as it is before training
    return found


def change(backbone: FrozenBackbone, **changed: Any) -> None:
    """Let the model read other arguments than it is given."""
    model = backbone.model.base_model
    plain = model.forward

    def forward(**given: Any) -> Any:
        for name, other in changed.items():
            if given.get("inputs_embeds") is not None:
                given[name] = other(given)
        return plain(**given)

    model.forward = forward


def in_order(given: dict[str, Any]) -> Tensor:
    length, keys = given["attention_mask"].shape[-2:]
    return torch.arange(keys - length, keys).unsqueeze(0)


def causal(given: dict[str, Any]) -> Tensor:
    mask: Tensor = given["attention_mask"]
    length, keys = mask.shape[-2:]
    return torch.full_like(mask, torch.finfo(mask.dtype).min).triu(keys - length + 1)


def test_a_model_that_reads_as_it_should_is_taken_and_left_as_it_was(backbone: FrozenBackbone) -> None:
    kernel = backbone.model.config._attn_implementation
    refuse_misread("some", backbone)
    assert backbone.model.config._attn_implementation == kernel


class DeterministicOnCuda(TorchDispatchMode):
    """Stops where torch stops on CUDA under ``trainer.deterministic: true``."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = func.overloadpacket.__name__
        floating = any(isinstance(given, Tensor) and given.is_floating_point() for given in args)
        if name in ("median", "nanmedian", "kthvalue") or (name == "cumsum" and floating):
            raise RuntimeError(f"{name}_cuda does not have a deterministic implementation")
        return func(*args, **(kwargs or {}))


def test_it_runs_under_deterministic_algorithms(backbone: FrozenBackbone) -> None:
    with DeterministicOnCuda():
        refuse_misread("some", backbone)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_no_fault(backbone: FrozenBackbone, dtype: torch.dtype) -> None:
    refuse_misread("some", backbone.to(dtype))


def test_positions_that_are_not_followed(backbone: FrozenBackbone) -> None:
    change(backbone, position_ids=in_order)
    with pytest.raises(InputError, match=r"'some' \(llama\) takes position_ids and does not follow them"):
        refuse_misread("some", backbone)


def test_a_mask_that_is_not_followed(backbone: FrozenBackbone) -> None:
    change(backbone, attention_mask=causal)
    with pytest.raises(InputError, match="reads tokens that a 4-D mask hides"):
        refuse_misread("some", backbone)


def test_other_values_than_in_plain_reading(backbone: FrozenBackbone) -> None:
    change(backbone, inputs_embeds=lambda given: given["inputs_embeds"] * 3 + 0.1)
    with pytest.raises(InputError, match="has another likelihood under a 4-D mask"):
        refuse_misread("some", backbone)


def test_vectors_that_no_token_has(backbone: FrozenBackbone) -> None:
    weight = backbone.words.weight

    def known(given: dict[str, Any]) -> Tensor:
        inputs: Tensor = given["inputs_embeds"]
        if not (inputs.unsqueeze(-2) == weight).all(-1).any(-1).all():
            raise RuntimeError("no token\nof mine")
        return inputs

    change(backbone, inputs_embeds=known)
    with pytest.raises(InputError, match=r"4-D mask \(RuntimeError: no token\), so profiles would"):
        refuse_misread("some", backbone)


def test_a_model_that_is_not_causal(backbone: FrozenBackbone, monkeypatch: pytest.MonkeyPatch) -> None:
    head: nn.Module = backbone.head
    forward = head.forward
    zeros = torch.zeros(2, 4, len(backbone.words))
    monkeypatch.setattr(mask_check, "_branched", lambda *given, **more: zeros)
    head.forward = lambda hidden: forward(hidden + hidden.mean(-2, keepdim=True))  # type: ignore[method-assign]
    with pytest.raises(InputError, match="reads tokens that come later and is not causal"):
        refuse_misread("some", backbone)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (BloomConfig(), "takes no position_ids"),
        (FalconConfig(alibi=True), "takes no position_ids"),
    ],
    ids=["bloom", "falcon"],
)
def test_a_family_is_refused_before_its_weights_are_read(
    config: PreTrainedConfig, reason: str, tmp_path: Path
) -> None:
    config.save_pretrained(tmp_path)
    source = LMSource(str(tmp_path))
    with pytest.raises(InputError, match=reason):
        load_backbone(source)
    with pytest.raises(InputError, match=reason):
        plan_run(source, SoftTokens(1, 8, 2, "disk"), 16, torch.device("cpu"), 1)


def test_a_family_of_another_kind() -> None:
    class Strange(PreTrainedConfig):
        model_type = "strange"

    with pytest.raises(InputError, match=r"\(strange\) is no causal language model of transformers"):
        refuse_family("some", Strange())
