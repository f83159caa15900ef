"""What the language model's own vocabulary says of soft tokens, codes and texts (the paper's Table 5).

The mean of all input embeddings is far from zero, and every word is near it: a cosine with embeddings as
they are mostly tells how common a word is, and all queries get the same few words. So distances are between
deviations from that mean.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from torch import Tensor

from userip_lightning.lm.backbone import FrozenBackbone, load_backbone
from userip_lightning.lm.control_tokens import plain_texts
from userip_lightning.lm.mask import additive
from userip_lightning.lm.prompt import DEFAULT_PROMPT, encode, encode_item
from userip_lightning.lm.source import LMSource, load_tokenizer
from userip_lightning.lm.word_vectors import WordVectors

Floats = NDArray[np.float64]

#: What tokenizers write for the space in front of a word: byte-level BPE, and SentencePiece.
_SPACES = ("Ġ", "▁")
_LETTERS = 3
_TEXTS = 20_000
_PART = 512


class _Vocabulary(NamedTuple):
    """Whole words; a word that is spelt in capitals too has a token for each spelling."""

    words: list[str]  #             [W] case-folded, each once
    tokens: NDArray[np.int64]  #    [T]
    word: NDArray[np.int64]  #      [T] whose spelling a token is


class LanguageModelWords:
    """Words of a frozen language model; it is loaded when it is first asked.

    Args:
        source: the language model.
        item_tokens: tokens of a text at most, as the prompt has it; all where None.

    Raises:
        InputError: (when it is first asked) the model cannot be had.
    """

    def __init__(self, source: LMSource, item_tokens: int | None = None) -> None:
        self.source = source
        self.item_tokens = item_tokens
        self._read: tuple[Sequence[str], NDArray[np.int64], csr_matrix] | None = None

    @property
    def centre(self) -> Floats:
        """[D] mean input embedding of the vocabulary; take it from an embedding before :meth:`nearest`."""
        return self.embedding.mean(0).double().cpu().numpy()

    @property
    def words(self) -> list[str]:
        """Whole words of the vocabulary: tokens that begin a word and are three letters or more."""
        return self._vocabulary.words

    def vectors(self, texts: Sequence[str]) -> Floats:
        """[N, D] mean input embeddings of the texts' tokens; zeros for a text without any."""
        return np.asarray(self._shares(texts) @ self._embedding)

    def entries(self, texts: Sequence[str], weight: Floats) -> Floats:
        """Codebook entries: the weighted mean of a code's items less that of all items.

        Items without weight or text are left out; of more than 20,000 the heaviest are read.

        Args:
            texts: of I items.
            weight: [I, K], how much of a code an item is, from 0 up.

        Returns:
            [K, D]; zeros for a code without weight.
        """
        total = weight.sum(axis=1)
        told = np.flatnonzero((total > 0) & np.array([bool(text.strip()) for text in texts], dtype=bool))
        told = told[np.argsort(-total[told], kind="stable")[:_TEXTS]]
        shares, heavy = self._shares_of(texts, told), weight[told]
        sums = (shares.T @ heavy).T @ self._embedding
        by_code = heavy.sum(axis=0)[:, None]
        mean = sums.sum(axis=0) / max(float(by_code.sum()), 1e-300)
        return np.where(by_code > 0, sums / np.maximum(by_code, 1e-300) - mean, 0.0)

    def nearest(
        self, vectors: Floats, count: int = 8, among: Collection[str] | None = None
    ) -> list[list[str]]:
        """Whole words whose embeddings, less the vocabulary's mean, point where the vectors do (cosine).

        Args:
            vectors: [N, D] differences of embeddings, as :meth:`entries` gives them; from a single embedding
                or soft token take :attr:`centre` first.
            count: words for each.
            among: case-folded words to choose from; all where None.

        Returns:
            N lists, the nearest word first; empty for a vector of zeros.
        """
        words, found = self._vocabulary.words, list[list[str]]()
        allowed = np.array([among is None or word in among for word in words], dtype=bool)
        tokens = np.flatnonzero(allowed[self._vocabulary.word])
        word, directions = self._vocabulary.word[tokens], self._directions[torch.from_numpy(tokens)]
        for first in range(0, len(vectors), _PART):
            part = torch.from_numpy(vectors[first : first + _PART]).to(directions)
            by_token = (part @ directions.T).double().cpu().numpy()
            for vector, near in zip(vectors[first : first + _PART], by_token, strict=True):
                score = np.full(len(words), -np.inf)
                np.maximum.at(score, word, near)
                found.append(_best(score, words, count) if vector.any() else [])
        return found

    def expected(
        self,
        start: Sequence[Sequence[str]],
        profile_text: str,
        count: int = 8,
        task: str = DEFAULT_PROMPT.liked,
    ) -> list[list[str]]:
        """Words that the model expects next under one code rather than under the others.

            log(p(w | profile, words of the code, task) + 1/W), less its mean over codes

        The prompt is the profile's text, the code's words where its soft tokens stand, and the task text.
        Of W words each has 1/W on top, so that rare words do not win. A code's own words are left out,
        because a model repeats what it has read.

        Args:
            start: words of every code.
            profile_text: in front of the soft tokens.
            count: words for each code.
            task: in front of what the user liked.

        Returns:
            A list per code; empty for a code without words, and where no other code has any.
        """
        told = [code for code, words in enumerate(start) if words]
        found: list[list[str]] = [[] for _ in start]
        if len(told) < 2:
            return found
        rows = np.stack([self._next_words(f"{profile_text} {' '.join(start[code])}{task}") for code in told])
        smoothed = np.log(rows + 1.0 / rows.shape[1])
        surplus = smoothed - smoothed.mean(axis=0)
        for code, row in zip(told, surplus, strict=True):
            own = {word.casefold() for word in start[code]}
            row = np.where([word in own for word in self.words], -np.inf, row)
            found[code] = _best(np.where(row > 0, row, -np.inf), self.words, count)
        return found

    def _shares_of(self, texts: Sequence[str], rows: NDArray[np.int64]) -> csr_matrix:
        """[len(rows), V] token shares of some of the texts; what was read last is not read again."""
        if self._read is None or self._read[0] is not texts or not np.array_equal(self._read[1], rows):
            self._read = texts, rows, self._shares([texts[row] for row in rows])
        return self._read[2]

    def _shares(self, texts: Sequence[str]) -> csr_matrix:
        """[N, V] shares of a text's tokens."""
        spelt = [f" {text.strip()}" if text.strip() else "" for text in texts]
        spelt = plain_texts(spelt, self._tokenizer)
        ids = [encode_item(self._tokenizer, text, self.item_tokens) for text in spelt]
        length = np.array([len(own) for own in ids], dtype=np.int64)
        row, token = np.repeat(np.arange(len(ids)), length), [token for own in ids for token in own]
        weight = np.repeat(1.0 / np.maximum(length, 1), length)
        return csr_matrix((weight, (row, token)), shape=(len(texts), len(self.embedding)))

    @torch.no_grad()
    def _next_words(self, prompt: str) -> Floats:
        """[W] probability of every whole word after the prompt."""
        begin = [] if self._tokenizer.bos_token_id is None else [self._tokenizer.bos_token_id]
        ids = torch.tensor([begin + encode(self._tokenizer, prompt)], device=self.embedding.device)
        length = ids.shape[1]
        inputs = self._backbone.embed(ids)
        shown = torch.ones(1, length, length, dtype=torch.bool, device=ids.device).tril()
        place = torch.arange(length, device=ids.device)[None]
        hidden = self._backbone.hidden(inputs, additive(shown, inputs.dtype), place)
        share = self._backbone.head(hidden[0, -1]).float().softmax(-1).double().cpu().numpy()
        vocabulary = self._vocabulary
        summed = np.bincount(vocabulary.word, share[vocabulary.tokens], minlength=len(vocabulary.words))
        return summed.astype(np.float64)

    @cached_property
    def _backbone(self) -> FrozenBackbone:
        return load_backbone(self.source).to("cuda" if torch.cuda.is_available() else "cpu")

    @cached_property
    def _tokenizer(self) -> Any:
        return load_tokenizer(self.source)

    @cached_property
    def embedding(self) -> Tensor:
        """[V, D] input embeddings of the vocabulary, float32."""
        return self.word_vectors.all()

    @property
    def word_vectors(self) -> WordVectors:
        """The model's own, from which soft tokens start."""
        return self._backbone.words

    @cached_property
    def _embedding(self) -> Floats:
        """The same as float64."""
        return self.embedding.double().cpu().numpy()

    @cached_property
    def _vocabulary(self) -> _Vocabulary:
        spelt = self._tokenizer.convert_ids_to_tokens(range(min(len(self._tokenizer), len(self.embedding))))
        whole = [(number, self._whole_word(token)) for number, token in enumerate(spelt)]
        folded = [(number, word.casefold()) for number, word in whole if word is not None]
        words = sorted({word for _, word in folded})
        place = {word: number for number, word in enumerate(words)}
        return _Vocabulary(
            words,
            np.array([number for number, _ in folded], dtype=np.int64),
            np.array([place[word] for _, word in folded], dtype=np.int64),
        )

    def _whole_word(self, token: str | None) -> str | None:
        """The word that a token is; None where it does not begin one, or holds anything but letters."""
        if token is None or not token.startswith(_SPACES):
            return None
        letters = (
            token[1:] if token[1:].isascii() else self._tokenizer.convert_tokens_to_string([token]).strip()
        )
        return letters if len(letters) >= _LETTERS and letters.isalpha() else None

    @cached_property
    def _directions(self) -> Tensor:
        """[T, D] embeddings of the words' tokens, less the vocabulary's mean, of length one."""
        tokens = torch.from_numpy(self._vocabulary.tokens).to(self.embedding.device)
        return torch.nn.functional.normalize(self.embedding[tokens] - self.embedding.mean(0), dim=1)


def _best(score: Floats, words: Sequence[str], count: int) -> list[str]:
    order = np.argsort(-score, kind="stable")[:count]
    return [words[number] for number in order if np.isfinite(score[number])]
