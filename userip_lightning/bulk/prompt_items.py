"""Items that a prompt can show, tokenised once for all workers: those of the training, and further ones.

A user's start words are weighed by how rare they are among the users that stage 1 trained on, so that a new
user starts where a trained one with their behaviours would have. A word that only further items have was met
by none of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from userip_lightning.arrays import open_array, save_array
from userip_lightning.artifact import Manifest, read_manifest, writing
from userip_lightning.data.parsing.columns import require_columns
from userip_lightning.data.parsing.foreign_parquet import Files, read_foreign
from userip_lightning.errors import InputError
from userip_lightning.ids import ID, is_missing, read_ids
from userip_lightning.lm.control_tokens import plain_table
from userip_lightning.lm.prompt import PromptTemplate, Tokenizer
from userip_lightning.profile.behaviour_store import BehaviourStore
from userip_lightning.profile.behaviours import encode_items
from userip_lightning.profile.prompt_bodies import Tokens
from userip_lightning.profile.words import Words, item_words

KIND = "catalogue"


class Catalogue(NamedTuple):
    """Token ids, words and names of I items."""

    items: Tokens
    words: Words
    ids: NDArray[np.str_]

    def save(self, folder: Path, manifest: Manifest) -> None:
        """Write it, whole or not at all."""
        tokens = {"items": self.items, "words": self.words.of_items, "spelling": self.words.spelling}
        with writing(folder, manifest) as draft:
            save_array(draft / "idf.npy", self.words.idf)
            save_array(draft / "ids.npy", self.ids)
            for name, (values, offset) in tokens.items():
                save_array(draft / f"{name}_ids.npy", values)
                save_array(draft / f"{name}_offset.npy", offset)

    @staticmethod
    def load(folder: Path) -> Catalogue:
        """Map what :meth:`save` wrote.

        Raises:
            InputError: missing or damaged.
        """
        read_manifest(folder, KIND)

        def mapped(name: str) -> Any:
            return open_array(folder / f"{name}.npy")

        items, words, spelling = (
            Tokens(mapped(f"{name}_ids"), mapped(f"{name}_offset")) for name in ("items", "words", "spelling")
        )
        return Catalogue(items, Words(words, spelling, mapped("idf")), mapped("ids"))


def extend(
    store: BehaviourStore,
    known: pl.DataFrame,
    further: pl.DataFrame,
    users: int,
    template: PromptTemplate,
    tokenizer: Tokenizer,
) -> Catalogue:
    """The training's items followed by further ones.

    Args:
        store: of the training.
        known: its items, in order.
        further: items that are not among them.
        users: that stage 1 trained on.
        template: the prompt.
        tokenizer: of the language model.
    """
    ids = pl.concat([known["item_id"], further["item_id"]]).to_numpy().astype(np.str_)
    if further.is_empty():
        return Catalogue(store.items, store.words, ids)
    sides = (plain_table(side, tokenizer) for side in (known, further))
    texts = [template.write_item(row) for side in sides for row in side.iter_rows(named=True)]
    own = encode_items(texts[known.height :], template, tokenizer)
    items = Tokens(
        np.concatenate([store.items.ids, own.ids]),
        np.concatenate([store.items.offset, own.offset[1:] + store.items.offset[-1]]),
    )
    words, spelling = item_words(texts, tokenizer)
    idf = np.full(len(spelling.offset) - 1, 1.0 + np.log(1.0 + users))
    trained = store.words.of_items.ids  # the same words in the same places, by their old numbers
    idf[words.ids[: len(trained)]] = store.words.idf[trained]
    return Catalogue(items, Words(words, spelling, idf), ids)


def read_frame(file: Path) -> pl.DataFrame:
    """Items as they come.

    Raises:
        InputError: no Parquet file.
    """
    try:
        return pl.concat(read_foreign(Files(file, [file])))
    except InputError as error:
        reason = str(error).removeprefix(f"{file}: ").partition("; ")[0]
        raise InputError(f"{file}: no Parquet file of items ({reason}); check the path.") from None


def read_items(file: Path, template: PromptTemplate) -> pl.DataFrame:
    """Further items, one row each: ``item_id`` and the fields that the prompt writes, as strings.

    Raises:
        InputError: no Parquet file, a missing column, an empty id, or an item with two texts.
    """
    fields = list(dict.fromkeys(template.item_fields()))
    given = require_columns(read_frame(file), file, ["item_id", *fields])
    ids = read_ids("item_id", given.schema["item_id"], str(file))
    frame = given.select(ids, pl.col(fields).cast(pl.String).str.strip_chars())
    nameless = frame.select(is_missing("item_id")).to_series()
    if nameless.any():
        row = int(nameless.arg_max() or 0)
        raise InputError(
            f"{file}: row {row + 1} has item_id {given['item_id'][row]!r}, expected {ID}; mend or delete it."
        )
    frame = frame.unique(maintain_order=True)
    twice = frame.filter(pl.col("item_id").is_duplicated())
    if not twice.is_empty():
        raise InputError(
            f"{file}: item_id {twice['item_id'][0]!r} comes twice with different texts; keep one row for "
            "every item."
        )
    return frame
