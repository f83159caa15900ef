"""Item texts as a language model reads them (``class_path`` of the catalogue engine's text)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from userip_lightning.bars import piece
from userip_lightning.lm.hidden_states import hidden_states
from userip_lightning.lm.identity import encoder_identity, lm_identity
from userip_lightning.lm.source import DEFAULT_LM, LMSource
from userip_lightning.lm.text_encoder import DEFAULT_SOURCE, EncoderSource, TextEncoder
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

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        with piece("texts of this part") as part:
            return TextEncoder(self.encoder).encode(texts, part.at)


@dataclass(frozen=True)
class HiddenStates(EncodedSource):
    """32 principal components of a frozen causal LM's hidden states.

    Args:
        lm: the language model.
        layer: 0 for the embeddings, then one per block; those in the middle say most of meaning.
    """

    lm: LMSource = DEFAULT_LM
    layer: int = 14

    def weights(self) -> str:
        return lm_identity(self.lm)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        with piece("texts of this part") as part:
            return hidden_states(self.lm, self.layer, texts, part.at)
