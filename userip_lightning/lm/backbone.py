"""The frozen causal LM: embeddings in, hidden states out.

Works for every Hugging Face causal LM that takes ``inputs_embeds``, ``position_ids`` and a 4-D additive
mask; docs/language_models.md has the families that do. Nothing in it is ever trained.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from userip_lightning.lm import attention
from userip_lightning.lm.families import refuse_family
from userip_lightning.lm.mask_check import refuse_misread
from userip_lightning.lm.quantized import to_int8
from userip_lightning.lm.rms_norm import replace_norms
from userip_lightning.lm.sharded import refuse_one_process, shard_blocks
from userip_lightning.lm.source import LMSource, load_config, load_model
from userip_lightning.lm.windows import windowed
from userip_lightning.lm.word_vectors import WordVectors


class Seen(NamedTuple):
    """Tokens in front that every row shares, as the LM has read them."""

    layers: list[tuple[Tensor, Tensor]]  # keys and values of each, [1, G, N, d], G key heads of width d
    position: Tensor  #                    [1, N]


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

    def _apply(self, fn: object, recurse: bool = True) -> FrozenBackbone:
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
            or its trial comes out wrong (:mod:`userip_lightning.lm.mask_check`); a package that its
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


def _keep_loadable(backbone: nn.Module, state: dict[str, object], prefix: str, metadata: object) -> None:
    """Leave out what 4-bit layers write beside their weights and could not read back."""
    tensors = (backbone.named_parameters, backbone.named_buffers)  # a tied head goes by both of its names
    own = {name for named in tensors for name, _ in named(remove_duplicate=False)}
    for key in [key for key in state if key.startswith(prefix) and key.removeprefix(prefix) not in own]:
        del state[key]
