"""The causal LM of a baseline: a plain Hugging Face model, to be asked, or tuned."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from lightning.pytorch import LightningDataModule

from userip_lightning.errors import InputError
from userip_lightning.lm.quantized import to_int8
from userip_lightning.lm.source import LMSource, load_model, plain_backend


@runtime_checkable
class HasLanguageModel(Protocol):
    """A module around a language model."""

    lm: LMSource


def source_of(data: LightningDataModule) -> LMSource:
    """The language model of the module that ``data`` feeds."""
    module: object = None if data.trainer is None else data.trainer.lightning_module
    if not isinstance(module, HasLanguageModel):
        raise TypeError(f"{type(data).__name__} feeds no module with a language model")
    return module.lm


def load_language_model(source: LMSource) -> Any:
    """Load a ``PreTrainedModel`` in eval mode, without gradients.

    ``attention: auto`` is :func:`plain_backend` here: prompts have the usual causal mask.

    Raises:
        InputError: it is missing, gated, or cannot be read; a package that its quantisation needs is missing;
            or it is to be divided among processes.
    """
    if source.sharded:
        raise InputError("lm.sharded: a baseline runs in one process; set it to false.")
    model = load_model(source, plain_backend(source))
    if source.quantization == "int8":
        to_int8(model)
    return model.eval().requires_grad_(False)
