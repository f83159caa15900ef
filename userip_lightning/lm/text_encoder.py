"""Sentences as vectors: a Hugging Face encoder whose last hidden states are averaged.

The default is all-MiniLM-L6-v2 (Reimers and Gurevych, "Sentence-BERT", 2019, with the distilled model of Wang
et al., "MiniLM", 2020), D = 384, whose sentence vectors are the mean over a text's tokens.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import AutoConfig, AutoModel, AutoTokenizer

from userip_lightning.assets import DEFAULT_ENCODER, resolve_encoder
from userip_lightning.errors import InputError, Unavailable
from userip_lightning.lm.control_tokens import plain_texts
from userip_lightning.lm.on_disk import is_local
from userip_lightning.lm.source import OWN_CODE
from userip_lightning.progress_bars import say

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

#: Told how many of how many texts are done.
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class EncoderSource:
    """Where the encoder of sentences comes from.

    Args:
        name: a hub name, a local folder, or ``all-minilm-l6-v2``, the default that is fetched when needed.
        revision: branch, tag or commit on the hub; pin it to repeat a result.
        max_tokens: longer texts are cut.
        batch_size: texts at a time.
    """

    name: str = DEFAULT_ENCODER
    revision: str | None = None
    max_tokens: int = 256
    batch_size: int = 64

    def __post_init__(self) -> None:
        if self.max_tokens < 1 or self.batch_size < 1:
            raise InputError("encoder: max_tokens and batch_size count something; give numbers from 1 up.")


DEFAULT_SOURCE = EncoderSource()


class TextEncoder:
    """An encoder ready for texts; nothing in it is trained.

    Args:
        source: where it comes from.

    Raises:
        InputError: it is missing, gated, or cannot be read, or it reads fewer tokens than ``max_tokens``.
    """

    def __init__(self, source: EncoderSource = DEFAULT_SOURCE) -> None:
        self.source = source
        try:
            path = str(resolve_encoder(source.name))
            revision = source.revision or "main"
            if not is_local(path, revision):
                say(f"{source.name}: downloading the encoder from the hub, once")
            self._tokenizer: Any = AutoTokenizer.from_pretrained(
                path, revision=revision, trust_remote_code=False
            )
            self._model: Any = AutoModel.from_pretrained(
                path, revision=revision, trust_remote_code=False, dtype=torch.float32
            )
        except InputError:
            raise
        except (OSError, ValueError) as error:
            raise _cannot_load(source, error) from error
        context = getattr(self._model.config, "max_position_embeddings", None) or source.max_tokens
        if source.max_tokens > context:
            raise InputError(
                f"encoder.max_tokens is {source.max_tokens}, but {source.name!r} reads {context}; lower it."
            )
        self._tokenizer.padding_side = "right"  # in front it would shift a text by its batch mates
        if self._tokenizer.pad_token is None:  # a model that was taught on rows without gaps; no pad counts
            self._tokenizer.pad_token = self._tokenizer.eos_token
        device = "cuda" if torch.cuda.is_available() else "cpu"
        self._model.eval().requires_grad_(False).to(device)

    @property
    def width(self) -> int:
        """D."""
        return int(self._model.config.hidden_size)

    @property
    def fingerprint(self) -> str:
        """Identifies encoder and settings: name, cut, and a thin sample of every weight."""
        digest = hashlib.sha256(f"{self.source.name} {self.source.max_tokens}".encode())
        for name, weight in sorted(self._model.state_dict().items()):
            flat = weight.detach().flatten()
            digest.update(f"{name}{tuple(weight.shape)}".encode())
            digest.update(flat[:: max(1, flat.numel() // 64)].float().cpu().numpy().tobytes())
        return digest.hexdigest()[:16]

    @torch.no_grad()
    def encode(self, texts: Sequence[str], progress: Progress | None = None) -> NDArray[np.float32]:
        """Vectors of texts, not normalised; long and short ones are batched apart.

        Args:
            texts: N of them; an empty one gets the vector of its special tokens.
            progress: told after every batch.

        Returns:
            [N, D].
        """
        vectors = np.zeros((len(texts), self.width), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
        size = self.source.batch_size
        for first in range(0, len(order), size):
            chosen = order[first : first + size]
            vectors[chosen] = self._encode_batch([texts[at] for at in chosen]).cpu().numpy()
            if progress is not None:
                progress(first + len(chosen), len(order))
        return vectors

    def _encode_batch(self, texts: Sequence[str]) -> Tensor:
        batch = self._tokenizer(
            plain_texts(texts, self._tokenizer),
            padding=True,
            truncation=True,
            max_length=self.source.max_tokens,
            return_tensors="pt",
        ).to(self._model.device)
        hidden = self._model(**batch).last_hidden_state
        counted = batch["attention_mask"].unsqueeze(-1).to(hidden.dtype)
        mean: Tensor = (hidden * counted).sum(1) / counted.sum(1).clamp(min=1)
        return mean


def load_encoder_config(source: EncoderSource) -> PreTrainedConfig:
    """Load the configuration of ``source``: its shape, without its weights.

    Raises:
        InputError: it is missing, gated, or cannot be read.
    """
    try:
        config: PreTrainedConfig = AutoConfig.from_pretrained(
            source.name, revision=source.revision or "main", trust_remote_code=False
        )
        return config
    except (OSError, ValueError) as error:
        raise _cannot_load(source, error) from error


def _cannot_load(source: EncoderSource, error: Exception) -> Unavailable:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    advice = "check the name and the connection to the hub, or give a local folder"
    if "trust_remote_code" in str(error):
        reason, advice = OWN_CODE
    return Unavailable(f"encoder.name: the encoder {source.name!r} could not be loaded ({reason}); {advice}.")
