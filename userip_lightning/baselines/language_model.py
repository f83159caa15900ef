"""The causal LM of a baseline: a plain Hugging Face model, to be asked, or tuned."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from lightning.pytorch import LightningDataModule

from userip_lightning.errors import InputError
from userip_lightning.lm.source import LMSource, load_plain_model


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
    """As :func:`load_plain_model`.

    Raises:
        InputError: as there, or it is to be divided among processes.
    """
    if source.sharded:
        raise InputError("lm.sharded: a baseline runs in one process; set it to false.")
    return load_plain_model(source)
