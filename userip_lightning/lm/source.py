"""Where the language model comes from, and reading its parts: configuration, tokenizer, weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any, Literal, cast

import torch
from safetensors import SafetensorError
from transformers import (
    MODEL_FOR_CAUSAL_LM_MAPPING,
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
)

from userip_lightning.errors import InputError, Unavailable
from userip_lightning.lm.on_disk import is_local
from userip_lightning.lm.quantized import Quantization, keep_gradients, nf4_config, to_int8
from userip_lightning.progress_bars import say

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

DType = Literal["auto", "float32", "bfloat16", "float16"]
#: Attention backends that honour a 4-D additive mask (measured on transformers 5.23; docs/ledger.md).
SAFE_ATTENTION = ("auto", "sdpa", "eager")
#: Why a model that brings code is not loaded, and what to do.
OWN_CODE = (
    "it brings code of its own, which is never run: trust_remote_code is false",
    "choose a model whose architecture transformers has itself",
)
#: What transformers raises of a model that is missing, gated or damaged.
_UNREADABLE = (OSError, ValueError, SafetensorError, UnpicklingError)


@dataclass(frozen=True)
class LMSource:
    """Where the language model comes from.

    Args:
        name: a hub name, a local folder, or ``smollm2-135m-instruct``, the default that
            ``userip assets fetch`` brings.
        revision: branch, tag or commit on the hub; pin it to repeat a result.
        gguf_file: name of a GGUF file inside ``name``.
        attention: ``sdpa``, ``eager``, or ``auto``, which is ``sdpa`` but for short rows on a CPU, where
            plain products are quicker; other backends ignore or misread a 4-D mask and are refused.
        dtype: of the frozen weights; ``auto`` is bfloat16 where the hardware multiplies it natively, else
            float32. Soft tokens and distances are float32 in any case.
        quantization: ``int8`` (half of bfloat16) or ``nf4`` (about a quarter; extra ``quantized``) for a
            model that does not fit its device; see :mod:`userip_lightning.lm.quantized`.
        sharded: divide the decoder's weights among the processes of a run, each of which has its own users;
            see :mod:`userip_lightning.lm.sharded`.
    """

    name: str = "smollm2-135m-instruct"
    revision: str | None = None
    gguf_file: str | None = None
    attention: str = "auto"
    dtype: DType = "auto"
    quantization: Quantization = "none"
    sharded: bool = False

    def __post_init__(self) -> None:
        if self.attention not in SAFE_ATTENTION:
            raise InputError(
                f"lm.attention: {self.attention!r} would not apply the 4-D mask of Fig. 4 correctly; "
                f"use one of {', '.join(SAFE_ATTENTION)}."
            )
        if self.quantization == "nf4" and self.gguf_file is not None:
            raise InputError("lm.quantization: a GGUF file cannot be loaded as 'nf4'; use 'int8'.")
        if self.quantization != "none" and self.sharded:
            raise InputError(
                "lm.sharded: quantised weights are not divided among processes; set lm.quantization to "
                "'none', or lm.sharded to false."
            )


DEFAULT_LM = LMSource()


def load_model(source: LMSource, backend: str) -> Any:
    """Load the ``PreTrainedModel`` of ``source`` as it is, ``int8`` aside, which is applied later.

    Args:
        source: where it comes from.
        backend: attention backend, as transformers names it.

    Raises:
        InputError: it is missing, gated, or cannot be read, or its quantisation needs a missing package.
    """
    path, dtype = _local_or_hub(source.name), resolve_dtype(source.dtype)
    if not is_local(path, source.revision, source.gguf_file):
        say(f"{source.name}: downloading the weights from the hub, once; an interrupted download is resumed")
    nf4 = nf4_config(dtype) if source.quantization == "nf4" else None
    try:
        model = AutoModelForCausalLM.from_pretrained(
            path,
            revision=source.revision or "main",
            trust_remote_code=False,
            gguf_file=source.gguf_file,
            attn_implementation=backend,
            dtype=dtype,
            quantization_config=nf4,
        )
    except _UNREADABLE as error:
        raise _cannot_load(source, error) from error
    keep_gradients(model)
    return model


def load_plain_model(source: LMSource) -> Any:
    """Load a ``PreTrainedModel`` for the usual causal mask: quantised, in eval mode, without gradients.

    Raises:
        InputError: as for :func:`load_model`.
    """
    model = load_model(source, plain_backend(source))
    if source.quantization == "int8":
        to_int8(model)
    return model.eval().requires_grad_(False)


def plain_backend(source: LMSource) -> str:
    """Attention backend for prompts with the usual causal mask, where ``source`` leaves it open.

    Returns:
        ``sdpa``, or ``eager`` for a family that has no other (GPT-OSS), or caps its scores (Gemma 2).

    Raises:
        InputError: the configuration is missing, gated, or cannot be read.
    """
    if source.attention != "auto":
        return source.attention
    config = load_config(source)
    capped = getattr(config, "attn_logit_softcapping", None) is not None
    known: Any = MODEL_FOR_CAUSAL_LM_MAPPING.get(type(config), None)
    fast = known is None or known._supports_sdpa
    return "sdpa" if fast and not capped else "eager"


def load_config(source: LMSource) -> PreTrainedConfig:
    """Load the configuration of ``source``: its shape, without its weights.

    Raises:
        InputError: it is missing, gated, or cannot be read.
    """
    path = _local_or_hub(source.name)
    try:
        config: PreTrainedConfig = AutoConfig.from_pretrained(
            path,
            revision=source.revision or "main",
            trust_remote_code=False,
            gguf_file=source.gguf_file,
        )
        return config
    except _UNREADABLE as error:
        raise _cannot_load(source, error) from error


def load_tokenizer(source: LMSource) -> Any:
    """Load the tokenizer of ``source``.

    Raises:
        InputError: it is missing, gated, or cannot be read.
    """
    try:
        return AutoTokenizer.from_pretrained(
            _local_or_hub(source.name),
            revision=source.revision or "main",
            trust_remote_code=False,
            gguf_file=source.gguf_file,
        )
    except _UNREADABLE as error:
        raise _cannot_load(source, error) from error


def _local_or_hub(name: str) -> str:
    from userip_lightning.assets import resolve_lm  # the cache is only touched when a model is loaded

    return str(resolve_lm(name))


def resolve_dtype(name: str) -> torch.dtype:
    """The type of weights that ``dtype`` of :class:`LMSource` stands for on this machine."""
    if name != "auto":
        dtype: torch.dtype = getattr(torch, name)
        return dtype
    cuda = torch.cuda.is_available()
    native = torch.cuda.is_bf16_supported(including_emulation=False) if cuda else cpu_has_bfloat16()
    return torch.bfloat16 if native else torch.float32


def cpu_has_bfloat16() -> bool:
    """Whether the processor is known to multiply bfloat16 natively; without that, products are slow."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def with_dtype(source: LMSource) -> LMSource:
    """``source`` with the type of weights that ``auto`` stands for on this machine written out."""
    return replace(source, dtype=cast(DType, str(resolve_dtype(source.dtype)).removeprefix("torch.")))


def _cannot_load(source: LMSource, error: Exception) -> Unavailable:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if "trust_remote_code" in str(error):
        reason, advice = OWN_CODE
    elif Path(source.name).exists():
        advice = "check that the folder holds config.json, the tokenizer and the weights"
    elif "gated" in str(error).lower() or "401" in str(error):
        advice = "accept its licence on the hub and run `hf auth login`, or name a local folder"
    else:
        advice = "check the name and the connection to the hub, or give a local folder"
    return Unavailable(
        f"lm.name: the language model {source.name!r} could not be loaded ({reason}); {advice}."
    )
