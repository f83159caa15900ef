"""LoRA (Hu et al. 2021): some linear layers give W x + (alpha / rank) · B A x, where A and B alone learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from userip_lightning.errors import InputError
from userip_lightning.lm.quantized import Int8Linear

#: What peft puts into the names of what learns.
_MARK = "lora_"


def add_adapters(model: Any, rank: int, alpha: int, dropout: float, targets: Sequence[str]) -> None:
    """Put adapters beside layers of ``model``, in place. A starts at random, B at zero: nothing changes yet.

    Adapters are float32, whatever the layers are. What was there stays in eval mode and without gradient; the
    adapters' dropout is in training mode.

    Args:
        model: a frozen ``PreTrainedModel``.
        rank: rows of A.
        alpha: scale.
        dropout: on the adapters' input.
        targets: names of linear layers, such as ``q_proj``.

    Raises:
        InputError: the model has no such layer, or its layers are of 8 bits.
    """
    from peft import LoraConfig, inject_adapter_in_model  # seconds, which no other command should pay
    from peft.tuners.lora import LoraLayer

    if any(isinstance(layer, Int8Linear) for layer in model.modules()):
        raise InputError(
            "rella.model.lm.quantization: adapters do not go beside 'int8' layers; use 'none' or 'nf4'."
        )
    layers = _linear_layers(model)
    for target in targets:
        if target not in layers:
            raise InputError(
                f"rella.model.target_modules: the language model has no linear layer {target!r}; it has "
                f"{', '.join(sorted(layers))}."
            )
    # GPT-2 keeps its weights transposed
    transposed = any(isinstance(layers[target], Conv1D) for target in targets)
    config = LoraConfig(
        r=rank,
        lora_alpha=alpha,
        lora_dropout=dropout,
        target_modules=list(targets),
        fan_in_fan_out=transposed,
    )
    inject_adapter_in_model(config, model)
    for layer in model.modules():
        if isinstance(layer, LoraLayer):
            layer.lora_dropout.train()
    for name, weight in model.named_parameters():
        if _MARK in name:
            weight.data = weight.data.float()


def _linear_layers(model: Any) -> dict[str, nn.Module]:
    """A layer of every name that linear layers have, those of 4 bits among them, without the output head."""
    head = model.get_output_embeddings()
    return {
        path.rpartition(".")[2]: layer
        for path, layer in model.named_modules()
        if isinstance(layer, nn.Linear | Conv1D) and layer is not head
    }


def adapter_weights(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Of a module's state, what learns."""
    return {name: weight for name, weight in state.items() if _MARK in name}
