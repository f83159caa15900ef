"""Sources of text whose worth is known: one knows the planted topics, one nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from userip_lightning.arrays import Floats
from userip_lightning.data.sources.synthesize import TOPICS
from userip_lightning.texts.source import TextSource


@dataclass(frozen=True)
class Topics(TextSource):
    """As a language model would that had read everything."""

    def vectors(self, texts: Sequence[str]) -> Floats:
        nouns = [set(nouns.split()) for _, nouns in TOPICS.values()]
        return np.array([[float(bool(set(text.split()) & words)) for words in nouns] for text in texts])


@dataclass(frozen=True)
class Chance(TextSource):
    """Numbers that mean nothing."""

    def vectors(self, texts: Sequence[str]) -> Floats:
        return np.random.default_rng(1).normal(size=(len(texts), 4))
