"""What stage 1 reads of prepared data, tokenised once and memory-mapped.

The store lies beside the prepared folder and is made again where data, prompt or tokenizer changed.
A run touches those pages alone that hold the users at hand, so its memory does not grow with the population.
The files are ``.npy``: flat columns need nothing more of Arrow, and polars 2 reads Arrow files into memory.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from userip_lightning.arrays import open_array, save_array
from userip_lightning.artifact import MANIFEST, Manifest, read_manifest, stable_hash, writing
from userip_lightning.data.prepared import PreparedData
from userip_lightning.lm.prompt import PromptTemplate, Tokenizer
from userip_lightning.profile.behaviours import Behaviours, encode_items, item_texts
from userip_lightning.profile.prompt_bodies import Tokens
from userip_lightning.profile.words import Words, inverse_frequency, item_words
from userip_lightning.schema import SUPPORT, TEST, TRAIN, VAL

KIND = "behaviours"
#: Part of the store's name: raise it when its content changes for the same input.
_REVISION = 2


class BehaviourStore(NamedTuple):
    """Memory-mapped arrays of one data set under one prompt and tokenizer."""

    items: Tokens  #                       of every item's text
    words: Words
    splits: dict[str, Behaviours]  #       TRAIN holds support rows, too; VAL and TEST are held out
    leaked: int  #                         rows both trained on and judged; an audit refuses any
    silent: int  #                         users without a training behaviour
    first_silent: int  #                   the first of them, -1 if there is none

    @staticmethod
    def open(
        prepared: Path, template: PromptTemplate, tokenizer: Tokenizer, allow_missing: bool
    ) -> BehaviourStore:
        """Map the store of ``prepared``, making it where it is missing.

        Args:
            prepared: folder of a ``prepared`` artifact.
            template: the prompt.
            tokenizer: of the language model.
            allow_missing: items without text are left out rather than refused.

        Raises:
            InputError: missing or damaged data, a prompt that names an unknown field, an item without text,
                or a disk that is full.
        """
        key = stable_hash(
            [
                _REVISION,
                read_manifest(prepared, "prepared").data_hash,
                template.item,
                template.item_max_tokens,
                template.disliked is not None,
                allow_missing,
                _tokenizer_hash(tokenizer),
            ]
        )
        folder = prepared.with_name(f"{prepared.name}-{KIND}-{key}")
        if not (folder / MANIFEST).is_file():
            _make(folder, key, PreparedData.load(prepared), template, tokenizer, allow_missing)
        return _map(folder)


def _make(
    folder: Path,
    key: str,
    data: PreparedData,
    template: PromptTemplate,
    tokenizer: Tokenizer,
    allow_missing: bool,
) -> None:
    texts = item_texts(data, template, tokenizer, allow_missing)
    items = encode_items(texts, template, tokenizer)
    grouped = template.disliked is not None
    splits = {
        name: Behaviours.collect(data.rows(*shown), items, data.n_users, grouped)
        for name, shown in ((TRAIN, (TRAIN, SUPPORT)), (VAL, (VAL,)), (TEST, (TEST,)))
    }
    training = splits[TRAIN]
    words, spelling = item_words(texts, tokenizer)
    liked = (training.liked(users) for users in training.blocks())
    idf = inverse_frequency(liked, words, data.n_users, len(spelling.offset) - 1)
    silent = np.flatnonzero(np.diff(training.offset) == 0)
    trained, judged = (data.rows(*shown)["row_id"] for shown in ((TRAIN, SUPPORT), (VAL, TEST)))
    facts = {
        "leaked": int(trained.is_in(judged.implode()).sum()),
        "silent": len(silent),
        "first_silent": int(silent[0]) if len(silent) else -1,
    }
    manifest = Manifest(KIND, config_hash=key, data_hash=data.data_hash, users=data.n_users, extra=facts)
    arrays: dict[str, NDArray[np.generic]] = {"idf": idf}
    for name, tokens in (("items", items), ("words", words), ("spelling", spelling)):
        arrays |= {f"{name}_ids": tokens.ids, f"{name}_offset": tokens.offset}
    for name, behaviours in splits.items():
        arrays |= {f"{name}_{column}": values for column, values in behaviours._asdict().items()}
    with writing(folder, manifest) as draft:
        for name, values in arrays.items():
            save_array(draft / f"{name}.npy", values)


def _map(folder: Path) -> BehaviourStore:
    facts = read_manifest(folder, KIND).extra

    def mapped(name: str) -> NDArray[Any]:
        return open_array(folder / f"{name}.npy")

    def tokens(name: str) -> Tokens:
        return Tokens(mapped(f"{name}_ids"), mapped(f"{name}_offset"))

    splits = {
        name: Behaviours(*(mapped(f"{name}_{column}") for column in Behaviours._fields))
        for name in (TRAIN, VAL, TEST)
    }
    words = Words(tokens("words"), tokens("spelling"), mapped("idf"))
    counts = (int(facts[name]) for name in ("leaked", "silent", "first_silent"))
    return BehaviourStore(tokens("items"), words, splits, *counts)


def _tokenizer_hash(tokenizer: Tokenizer) -> str:
    """Of all that decides how a text becomes ids; a slow tokenizer is known by its vocabulary."""
    fast = getattr(tokenizer, "backend_tokenizer", None)
    return stable_hash(fast.to_str() if fast is not None else sorted(tokenizer.get_vocab().items()))
