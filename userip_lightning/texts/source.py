"""What the prior knows of an item's text: a choice of one class (``class_path``), each giving vectors."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from userip_lightning.arrays import Floats
from userip_lightning.artifact import stable_hash
from userip_lightning.errors import InputError
from userip_lightning.texts.bag_of_words import WIDTH, fitted_words
from userip_lightning.texts.encoded import Encode
from userip_lightning.texts.reader import EncodedReader, TextReader

#: What of a text a source knows, the later ones more than those before.
Reads = Literal["nothing", "words", "language model"]
_READS: tuple[Reads, ...] = get_args(Reads)
_WIDTH = 32


class Events(Protocol):
    """Of the log: see ``data.user_events``."""

    @property
    def counts(self) -> csr_matrix: ...
    @property
    def explicit(self) -> bool: ...


class FittedTexts(NamedTuple):
    """What a source made of a catalogue's texts.

    Args:
        vectors: [I, D], or None where text takes no part.
        readers: give later texts vectors in the same space, side by side; None where the source keeps
            nothing that could.
    """

    vectors: Floats | None
    readers: list[TextReader] | None


class TextSource(ABC):
    """Chosen in YAML by ``class_path``.

    ``version`` is raised where changed code gives other vectors for the same settings, weights and texts:
    what is cached under an older one is not found again.
    """

    version = 1

    @property
    def reads(self) -> Reads:
        """What of a text it knows."""
        return "language model"

    def identity(self) -> dict[str, object]:
        """Class, version and settings, as JSON values."""
        found: dict[str, Any] = json.loads(json.dumps(self, default=_named))
        return found

    def weights(self) -> str | None:
        """Identifies the model that reads the texts, without loading it; None where none does.

        Raises:
            InputError: there is no such model.
        """
        return None

    @abstractmethod
    def vectors(self, texts: Sequence[str]) -> Floats | None:
        """[I, D] of I texts, or None where text takes no part.

        Raises:
            InputError: the texts or the model cannot be used.
        """

    def fit(self, texts: Sequence[str]) -> FittedTexts:
        """:meth:`vectors`, and what gives later texts such vectors, where a source has it."""
        return FittedTexts(self.vectors(texts), None)


class EncodedSource(TextSource):
    """A language model's reading of a text, of which the 32 principal components are taken.

    ``version`` is that of the components, ``encoding`` that of what :meth:`load` makes of a text, which
    is cached by itself.
    """

    version = 2
    encoding = 1

    @abstractmethod
    def load(self) -> Encode:
        """The model, ready: N texts to [N, D], each by itself."""

    def pinned(self) -> EncodedSource:
        """The same source with what this machine decides written out, so that another one reads alike."""
        return self

    def remedy(self) -> str:
        """What to do where it gives no text finite numbers, as the end of a sentence."""
        return "take another one"

    def vectors(self, texts: Sequence[str]) -> Floats | None:
        """See :class:`TextSource`."""
        return self.fit(texts).vectors

    def fit(self, texts: Sequence[str]) -> FittedTexts:
        """See :class:`TextSource`."""
        return self.fit_encoded(self.load()(texts))

    def fit_encoded(self, rows: NDArray[np.float32]) -> FittedTexts:
        """Of what :meth:`load` made of I texts, [I, W]."""
        vectors, mean, components = principal(rows)
        return FittedTexts(
            vectors, [EncodedReader(self.pinned().identity(), self.weights(), mean, components)]
        )


class LearnedSource(TextSource):
    """A source that learns from the log what texts say of users, and is therefore made once per log."""

    def vectors(self, texts: Sequence[str]) -> Floats | None:
        """Never: see :meth:`learn`."""
        raise TypeError(f"{type(self).__name__} needs a log")

    @abstractmethod
    def learn(self, texts: Sequence[str], events: Events, work: Path) -> Floats:
        """[I, D] of I texts.

        Args:
            texts: of the items.
            events: TRAIN and SUPPORT events of the log.
            work: a folder for what a run that was cut short goes on from.
        """


@dataclass(frozen=True)
class NoText(TextSource):
    """Text takes no part: a count mixture."""

    @property
    def reads(self) -> Reads:
        return "nothing"

    def vectors(self, texts: Sequence[str]) -> Floats | None:
        return None

    def fit(self, texts: Sequence[str]) -> FittedTexts:
        return FittedTexts(None, [])


@dataclass(frozen=True)
class BagOfWords(TextSource):
    """TF-IDF and its leading singular vectors: what text says without a language model.

    Args:
        width: how many of them.
    """

    width: int = WIDTH

    def __post_init__(self) -> None:
        if self.width < 1:
            raise InputError(f"{type(self).__name__}: width {self.width} given, needed is one from 1 up.")

    @property
    def reads(self) -> Reads:
        return "words"

    def vectors(self, texts: Sequence[str]) -> Floats | None:
        return self.fit(texts).vectors

    def fit(self, texts: Sequence[str]) -> FittedTexts:
        vectors, reader = fitted_words(texts, self.width)
        return FittedTexts(vectors, [reader])


@dataclass(frozen=True)
class Joined(TextSource):
    """The vectors of several sources side by side.

    Args:
        sources: at least one; those without vectors are passed over.
    """

    sources: list[TextSource]

    @property
    def reads(self) -> Reads:
        return max((source.reads for source in self.sources), key=_READS.index, default="nothing")

    def weights(self) -> str | None:
        found = [source.weights() for source in self.sources]
        return stable_hash(found) if any(found) else None

    def vectors(self, texts: Sequence[str]) -> Floats | None:
        return self.fit(texts).vectors

    def fit(self, texts: Sequence[str]) -> FittedTexts:
        return self.beside([source.fit(texts) for source in self.sources])

    @staticmethod
    def beside(parts: Sequence[FittedTexts]) -> FittedTexts:
        """[I, D] each to [I, sum of D]."""
        found = [part.vectors for part in parts if part.vectors is not None]
        readers = [part.readers for part in parts if part.readers is not None]
        return FittedTexts(
            np.concatenate(found, axis=1) if found else None,
            list(chain(*readers)) if len(readers) == len(parts) else None,
        )


def events_hash(events: Events) -> str:
    """Identifies a log as a learned source reads it."""
    digest = hashlib.sha256(f"{events.counts.shape} {events.explicit}".encode())
    for part in (events.counts.indptr, events.counts.indices, events.counts.data):
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()[:16]


def _named(value: object) -> dict[str, object]:
    kind = type(value)
    version = {"version": value.version} if isinstance(value, TextSource) else {}
    return {"class": f"{kind.__module__}.{kind.__qualname__}", **version, **vars(value)}


def principal(vectors: NDArray[np.floating]) -> tuple[Floats, Floats, Floats]:
    """Principal components of [I, W]: [I, min(32, W, I)], the mean [W] and the axes [D, W].

    A row that is not finite gets zeros, their mean.
    """
    whole = np.isfinite(vectors).all(axis=1)
    known = vectors[whole].astype(np.float64)
    found = np.zeros((len(vectors), min(_WIDTH, *known.shape)))
    if not (known != known[:1]).any():  # PCA would divide by a variance of zero
        return found, np.zeros(known.shape[1]), np.zeros((found.shape[1], known.shape[1]))
    pca = PCA(found.shape[1], random_state=0)
    with threadpool_limits(limits=1):  # partial sums would be added in the order in which threads finish
        found[whole] = pca.fit(known).transform(known)  # not as fit_transform has it, where it approximates
    return found, pca.mean_, pca.components_
