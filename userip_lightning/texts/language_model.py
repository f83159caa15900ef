"""Item texts as a language model reads them (``class_path`` of the catalogue engine's text)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from userip_lightning.artifact import stable_hash
from userip_lightning.errors import InputError
from userip_lightning.lm.hidden_states import HiddenStateEncoder
from userip_lightning.lm.identity import encoder_identity, lm_identity
from userip_lightning.lm.source import DEFAULT_LM, LMSource, with_dtype
from userip_lightning.lm.text_encoder import DEFAULT_SOURCE, EncoderSource, TextEncoder
from userip_lightning.progress_bars import piece
from userip_lightning.texts.encoded import Encode
from userip_lightning.texts.source import EncodedSource


@dataclass(frozen=True)
class SentenceEncoder(EncodedSource):
    """32 principal components of sentence vectors.

    Args:
        encoder: where it comes from; all-MiniLM-L6-v2 is fetched when needed.
    """

    encoder: EncoderSource = DEFAULT_SOURCE

    def weights(self) -> str:
        return encoder_identity(self.encoder)

    def load(self) -> Encode:
        return _shown(TextEncoder(self.encoder))


@dataclass(frozen=True)
class HiddenStates(EncodedSource):
    """32 principal components of a frozen causal LM's hidden states.

    Args:
        lm: the language model.
        layer: 0 for the embeddings, then one per block; those in the middle say most of meaning.
    """

    lm: LMSource = DEFAULT_LM
    layer: int = 14

    def __post_init__(self) -> None:
        if self.lm.sharded:
            raise InputError(
                "lm.sharded: texts are read by one process, with all of the weights; set it to false."
            )

    def weights(self) -> str:
        known = lm_identity(self.lm)  # earlier versions read with full weights where it says int8
        return stable_hash([known, "rounded"]) if self.lm.quantization == "int8" else known

    def load(self) -> Encode:
        return _shown(HiddenStateEncoder(self.lm, self.layer))

    def pinned(self) -> HiddenStates:
        return replace(self, lm=with_dtype(self.lm))

    def remedy(self) -> str:
        whole = self.pinned().lm.dtype == "float32"
        return super().remedy() if whole else f"set lm.dtype to float32, or {super().remedy()}"


def _shown(model: TextEncoder | HiddenStateEncoder) -> Encode:
    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        with piece("texts of this part") as part:
            return model.encode(texts, part.at)

    return encode
