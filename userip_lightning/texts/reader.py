"""What a text source learned of a catalogue's texts, kept so that later texts get vectors in the same space.

Words need numpy alone, and only a language model's reading imports torch, when it reads: neither scipy nor
scikit-learn is needed where codes are served.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from userip_lightning.errors import InputError
from userip_lightning.safe_classes import PACKAGES, is_safe

Floats = NDArray[np.float64]
_WORDS, _ENCODED = "words", "encoded"
_WORD = re.compile(r"(?u)\b\w\w+\b")  # as scikit-learn's TfidfVectorizer has it


class Kept(NamedTuple):
    """A reader on its way to the disk: JSON values, and arrays by name."""

    told: dict[str, Any]
    arrays: dict[str, NDArray[np.generic]]


class TextReader(ABC):
    """Gives texts vectors in the space that was found for a catalogue."""

    @abstractmethod
    def read(self, texts: Sequence[str]) -> Floats:
        """[N, D] of N texts, each by itself.

        Raises:
            InputError: the language model is not there, or is another one.
        """

    @abstractmethod
    def kept(self) -> Kept:
        """All that :func:`unpacked` needs."""


@dataclass(frozen=True)
class WordReader(TextReader):
    """TF-IDF with logarithmic term frequencies, rows of length 1, then the leading singular vectors.

    Args:
        vocabulary: word to its column, V words.
        idf: [V].
        components: [D, V].
    """

    vocabulary: Mapping[str, int]
    idf: Floats
    components: Floats

    def read(self, texts: Sequence[str]) -> Floats:
        """See :class:`TextReader`; a text without known words gets zeros."""
        found = np.zeros((len(texts), len(self.components)))
        for row, text in enumerate(texts):
            known = Counter(word for word in _WORD.findall(text.lower()) if word in self.vocabulary)
            if known:
                column = [self.vocabulary[word] for word in known]
                weight = (1.0 + np.log(list(known.values()))) * self.idf[column]
                found[row] = self.components[:, column] @ (weight / np.linalg.norm(weight))
        return found

    def kept(self) -> Kept:
        """See :class:`TextReader`; words as one array of UTF-8 bytes, with line ends between them."""
        own: dict[str, NDArray[np.generic]] = {
            "words": np.frombuffer("\n".join(self.vocabulary).encode(), dtype=np.uint8),
            "column": np.array(list(self.vocabulary.values()), dtype=np.int64),
        }
        return Kept({"reads": _WORDS}, {**own, "idf": self.idf, "components": self.components})


@dataclass(frozen=True)
class EncodedReader(TextReader):
    """Principal components of a language model's vectors.

    Args:
        source: ``TextSource.identity()`` of the pinned source, which is made from it again.
        weights: identifies the model.
        mean: [W] of the catalogue's vectors.
        components: [D, W].
    """

    source: Mapping[str, Any]
    weights: str | None
    mean: Floats
    components: Floats

    def read(self, texts: Sequence[str]) -> Floats:
        """See :class:`TextReader`; a text of which the model makes no finite numbers gets zeros, the mean."""
        source = _made(self.source)
        name = self.source["class"]
        if source.identity() != self.source:
            raise InputError(
                f"{name}: the catalogue's texts were read by another version of it; fit the experiment again."
            )
        if source.weights() != self.weights:
            raise InputError(
                f"{name}: the catalogue's texts were read by other weights than those that are here now; put "
                "the former ones back, or fit the experiment again."
            )
        rows = np.asarray(source.load()(texts), dtype=np.float64)
        whole = np.isfinite(rows).all(axis=1)
        found = np.zeros((len(rows), len(self.components)))
        found[whole] = (rows[whole] - self.mean) @ self.components.T
        return found

    def kept(self) -> Kept:
        """See :class:`TextReader`."""
        told = {"reads": _ENCODED, "source": dict(self.source), "weights": self.weights}
        return Kept(told, {"mean": self.mean, "components": self.components})


def read_all(readers: Sequence[TextReader], texts: Sequence[str]) -> Floats:
    """[N, sum of D]: the vectors of several readers side by side; [N, 0] of none."""
    return np.concatenate([np.zeros((len(texts), 0)), *(reader.read(texts) for reader in readers)], axis=1)


def packed(readers: Sequence[TextReader]) -> tuple[list[dict[str, object]], dict[str, NDArray[np.generic]]]:
    """JSON values, one per reader, and the arrays of all as ``reader_<number>_<name>``."""
    kept = [reader.kept() for reader in readers]
    arrays = {
        f"reader_{at}_{name}": array for at, part in enumerate(kept) for name, array in part.arrays.items()
    }
    return [part.told for part in kept], arrays


def unpacked(
    told: Sequence[Mapping[str, object]], array: Callable[[str], NDArray[np.generic]]
) -> list[TextReader]:
    """What :func:`packed` took apart.

    Args:
        told: its JSON values.
        array: gives an array by its name.
    """
    return [_reader(part, f"reader_{at}", array) for at, part in enumerate(told)]


def _reader(told: Mapping[str, Any], prefix: str, array: Callable[[str], NDArray[Any]]) -> TextReader:
    components = array(f"{prefix}_components")
    if told["reads"] == _ENCODED:
        return EncodedReader(told["source"], told["weights"], array(f"{prefix}_mean"), components)
    words = array(f"{prefix}_words").tobytes().decode().split("\n")
    vocabulary = dict(zip(words, array(f"{prefix}_column").tolist(), strict=True))
    return WordReader(vocabulary, array(f"{prefix}_idf"), components)


def _made(told: Mapping[str, Any]) -> Any:
    """A dataclass from its identity: the class's path, and its settings."""
    module, _, name = str(told["class"]).rpartition(".")
    if is_safe() and module.partition(".")[0] not in PACKAGES:
        raise InputError(
            f"{told['class']}: reads the texts of new items, is of none of the packages "
            f"{', '.join(PACKAGES)}, and --safe admits no such class; it was not imported."
        )
    try:
        kind: Any = getattr(import_module(module), name)
        usable = is_dataclass(kind)
        if not usable:
            raise TypeError("no dataclass")
        settings = {key: value for key, value in told.items() if key not in ("class", "version")}
        return kind(**{key: _made(value) if _is_one(value) else value for key, value in settings.items()})
    except (ImportError, AttributeError, TypeError) as error:
        raise InputError(
            f"{told['class']}: reads the texts of new items, and cannot be made here ({error}); install what "
            "has it, in the version of the fit."
        ) from None


def _is_one(value: object) -> bool:
    return isinstance(value, dict) and "class" in value
