"""The frozen causal LM: loading, and what stage 1 asks of it.

Works for every Hugging Face causal LM that takes ``inputs_embeds``, ``position_ids`` and a 4-D additive
mask; docs/language_models.md has the families that do. Nothing in it is ever trained.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Literal, NamedTuple, cast

import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import (
    MODEL_FOR_CAUSAL_LM_MAPPING,
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    DynamicCache,
)
from transformers.cache_utils import DynamicLayer

from userip_lightning.bars import say
from userip_lightning.errors import InputError, Unavailable
from userip_lightning.lm import attention
from userip_lightning.lm.families import refuse_family
from userip_lightning.lm.on_disk import is_local
from userip_lightning.lm.quantized import Quantization, keep_gradients, nf4_config, to_int8
from userip_lightning.lm.rms_norm import replace_norms
from userip_lightning.lm.sharded import refuse_one_process, shard_blocks
from userip_lightning.lm.trial import refuse_misread
from userip_lightning.lm.windows import windowed
from userip_lightning.lm.word_vectors import WordVectors

#: Attention backends that honour a 4-D additive mask (measured on transformers 5.23; docs/ledger.md).
SAFE_ATTENTION = ("auto", "sdpa", "eager")
#: Why a model that brings code is not loaded, and what to do.
OWN_CODE = (
    "it brings code of its own, which is never run: trust_remote_code is false",
    "choose a model whose architecture transformers has itself",
)
#: What transformers raises of a model that is missing, gated or damaged.
_UNREADABLE = (OSError, ValueError, SafetensorError, UnpicklingError)


class Seen(NamedTuple):
    """Tokens in front that every row shares, as the LM has read them."""

    layers: list[tuple[Tensor, Tensor]]  # keys and values of each, [1, G, N, d], G key heads of width d
    position: Tensor  #                    [1, N]


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
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
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


class FrozenBackbone(nn.Module):
    """A causal LM without gradients: embeddings in, hidden states out, logits where asked.

    Args:
        model: a ``PreTrainedModel`` with a language-model head; its norms are replaced by quicker ones.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model.eval().requires_grad_(False)
        replace_norms(self.model)
        self._whole: str | None = None
        self.register_state_dict_post_hook(_keep_loadable)  # type: ignore[no-untyped-call]  # torch lacks the type

    def train(self, mode: bool = True) -> FrozenBackbone:
        """Stay in eval mode, whatever the trainer says: dropout would make the likelihood noisy."""
        return super().train(False)

    def _apply(self, fn: Any, recurse: bool = True) -> FrozenBackbone:
        """Let rotary frequencies keep their type, whatever becomes of the weights (``bf16-true``): rounded to
        bfloat16 they are wrong by up to 0.4 %, times the position."""
        kept = {name: buffer for name, buffer in self.named_buffers() if name.endswith("inv_freq")}
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]  # torch lacks the type
        for name, buffer in self.named_buffers():
            if name in kept and buffer.dtype != kept[name].dtype:
                buffer.data = kept[name].to(buffer.device)
        return self

    @property
    def words(self) -> WordVectors:
        """Input embeddings of the vocabulary."""
        return WordVectors(self.model.get_input_embeddings())

    @property
    def decoder(self) -> Any:
        """The model without its head."""
        base = self.model.base_model
        return getattr(base, "model", base) if base is self.model else base  # Llama 4 misnames its base

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights."""
        return self.words.weight.dtype

    @property
    def width(self) -> int:
        """D."""
        return int(self.words.weight.shape[1])

    @property
    def context(self) -> int:
        """Longest prompt in tokens."""
        return int(self.model.config.get_text_config().max_position_embeddings)

    def embed(self, ids: Tensor) -> Tensor:
        """[...] ids to [..., D] in the model's dtype."""
        out: Tensor = self.model.get_input_embeddings()(ids)
        return out

    def hidden(self, inputs: Tensor, mask: Tensor, position: Tensor, seen: Seen | None = None) -> Tensor:
        """Last hidden states.

        Args:
            inputs: [B, T, D].
            mask: [B, 1, T, N + T] additive, from :func:`userip_lightning.lm.mask.additive`.
            position: [B, T] int64, each below N + T.
            seen: N tokens in front, from :meth:`keys_values`; the same for every row.

        Returns:
            [B, T, D].
        """
        out: Tensor = self._run(inputs, mask, position, seen).last_hidden_state
        return out

    def attentions(self, inputs: Tensor, mask: Tensor, position: Tensor) -> list[Tensor]:
        """[B, H, T, T] weights of every layer, where attention is ``eager``; see :meth:`hidden`."""
        return list(self._run(inputs, mask, position, None, output_attentions=True).attentions)

    def _run(self, inputs: Tensor, mask: Tensor, position: Tensor, seen: Seen | None, **more: bool) -> Any:
        cache, keys = None, position
        if seen is not None:
            cache, keys = DynamicCache(), torch.cat([seen.position.expand(len(inputs), -1), position], 1)
            for layer, (key, value) in enumerate(seen.layers):
                rows = (len(inputs), -1, -1, -1)
                cache.update(key.expand(rows), value.expand(rows), layer)
        return self.decoder(
            inputs_embeds=inputs,
            attention_mask=windowed(self.model.config, mask, position, keys),
            position_ids=position,
            past_key_values=cache,
            use_cache=False,
            **more,
        )

    @torch.no_grad()
    def keys_values(self, inputs: Tensor, mask: Tensor, position: Tensor) -> Seen:
        """What later tokens need of tokens that every prompt begins with.

        Args:
            inputs: [1, N, D].
            mask: [1, 1, N, N] additive.
            position: [1, N] int64.
        """
        cache = DynamicCache()
        self.decoder(
            inputs_embeds=inputs,
            attention_mask=windowed(self.model.config, mask, position, position),
            position_ids=position,
            past_key_values=cache,
            use_cache=True,
        )
        layers = cast(list[DynamicLayer], cache.layers)
        return Seen([(cast(Tensor, layer.keys), cast(Tensor, layer.values)) for layer in layers], position)

    @property
    def head(self) -> nn.Module:
        """Output layer: [N, D] hidden states to [N, V] logits."""
        head: nn.Module = self.model.get_output_embeddings()
        return head

    def fingerprint(self) -> str:
        """Identifies the weights: a hash of a thin sample of every tensor and of all shapes."""
        if self._whole is not None:
            return self._whole
        digest = hashlib.sha256()
        for name, weight in sorted(self.model.state_dict().items()):
            flat = weight.detach().flatten()
            sample = flat[:: max(1, flat.numel() // 64)].float().cpu().numpy()
            digest.update(f"{name}{tuple(weight.shape)}".encode() + sample.tobytes())
        return digest.hexdigest()[:16]

    def shard(self) -> None:
        """Divide the weights among all processes; see :mod:`userip_lightning.lm.sharded`."""
        self._whole = self.fingerprint()  # later, no process sees all of them
        shard_blocks(self.model)


def load_backbone(source: LMSource) -> FrozenBackbone:
    """Load the model of ``source``, from disk or the hub.

    Raises:
        InputError: it is missing, gated, or cannot be read; it is of a family that would be scored wrongly,
            or its trial comes out wrong (:mod:`userip_lightning.lm.trial`); a package that its
            quantisation needs is missing; or it is to be divided among processes and there is one.
    """
    if source.sharded:
        refuse_one_process()
    config = load_config(source)
    refuse_family(source.name, config)
    model = load_model(source, attention.kernel(source.attention, config))
    if source.quantization == "int8":
        to_int8(model)
    backbone = FrozenBackbone(model)
    refuse_misread(source.name, backbone)
    if source.sharded:
        backbone.shard()
    return backbone


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


def load_config(source: LMSource) -> Any:
    """Load the configuration of ``source``: its shape, without its weights.

    Raises:
        InputError: it is missing, gated, or cannot be read.
    """
    path = _local_or_hub(source.name)
    try:
        return AutoConfig.from_pretrained(
            path,
            revision=source.revision or "main",
            trust_remote_code=False,
            gguf_file=source.gguf_file,
        )
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
    if torch.cuda.is_available():
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    capable = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if capable else torch.float32


def _keep_loadable(backbone: nn.Module, state: dict[str, Any], prefix: str, metadata: dict[str, Any]) -> None:
    """Leave out what 4-bit layers write beside their weights and could not read back."""
    tensors = (backbone.named_parameters, backbone.named_buffers)  # a tied head goes by both of its names
    own = {name for named in tensors for name, _ in named(remove_duplicate=False)}
    for key in [key for key in state if key.startswith(prefix) and key.removeprefix(prefix) not in own]:
        del state[key]


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
