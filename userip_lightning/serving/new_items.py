"""Items that come after the fit: rows of the table from their texts, by what the bank keeps of its prior.

A new item gets what the fit would have given an item with its text that nobody had had
(``catalogue/unseen_items.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from userip_lightning.arrays import Floats, read_array
from userip_lightning.bank import FeatureBank
from userip_lightning.catalogue.exact_sums import rounded
from userip_lightning.catalogue.new_item_files import NEW_ITEMS
from userip_lightning.catalogue.unseen_items import UnseenItems
from userip_lightning.errors import InputError
from userip_lightning.ids import ID, is_broken, read_ids
from userip_lightning.texts.joined import joined_texts
from userip_lightning.texts.reader import TextReader, read_all, unpacked


class NewItems(NamedTuple):
    """How a bank gives rows to new items.

    Args:
        readers: of their texts.
        unseen: what the prior says of a text.
        columns: that make an item's text; none where the table knows no texts.
        explicit: whether events have labels.
    """

    readers: list[TextReader]
    unseen: UnseenItems
    columns: list[str]
    explicit: bool

    @staticmethod
    def load(bank: FeatureBank) -> NewItems:
        """What the bank keeps.

        Raises:
            InputError: it keeps nothing for new items, or a file is corrupt.
        """
        extra = bank.manifest.extra
        kept = extra.get(NEW_ITEMS, {"refused": "it was written before banks kept what that takes"})
        if "refused" in kept:
            raise InputError(
                f"{bank.path}: this bank has no rows for new items ({kept['refused']}); fit again with a bag "
                "of words, an encoder or hidden states as catalogue.data.text, and without permuted texts, "
                "catalogue.model.recommendation and catalogue.model.steering."
            )

        def array(name: str) -> NDArray[Any]:
            return read_array(bank.path / f"{name}.npy")

        try:
            readers = unpacked(kept["readers"], array)
            unseen = UnseenItems(*(array(f"prior_{name}") for name in UnseenItems._fields))
        except InputError:
            raise
        except (ValueError, KeyError) as error:
            raise InputError(
                f"{bank.path}: what the bank keeps for new items is corrupt ({error}); delete the bank and "
                "write it again."
            ) from None
        columns = extra["reading"].get("columns", []) if readers else []
        return NewItems(readers, unseen, columns, extra["events"] == "labelled items")

    def read(self, items: pl.DataFrame) -> pl.DataFrame:
        """``item_id`` (String) and ``text`` of new items, each once.

        Args:
            items: ``item_id`` and :attr:`columns`; a missing or blank text is an empty one.

        Raises:
            InputError: a column is missing, an id is missing or broken, or an item has two texts.
        """
        if "item_id" not in items.columns:
            raise InputError(
                f"new items: column 'item_id' is missing, there are {', '.join(items.columns)}; item_id"
                f"{''.join(f', {name}' for name in self.columns)} are needed."
            )
        dtype = items.schema["item_id"]
        wrong = is_broken("item_id", dtype)
        ids = items.select(read_ids("item_id", dtype), wrong=wrong)
        missing = (pl.col("item_id").str.strip_chars() == "").fill_null(True)
        broken = ids.with_row_index().filter(missing | pl.col("wrong"))
        if broken.height:
            raise InputError(
                f"new items: row {broken['index'][0] + 1} has item_id "
                f"{items['item_id'][int(broken['index'][0])]!r}, expected {ID}; mend or delete it."
            )
        texts = joined_texts(items, self.columns, "new items") if self.columns else [""] * items.height
        found = ids.select("item_id", text=pl.Series(texts, dtype=pl.String)).unique(maintain_order=True)
        twice = found.filter(pl.col("item_id").is_duplicated())
        if twice.height:
            raise InputError(
                f"new items: item_id {twice['item_id'][0]!r} comes twice with different texts; keep one row "
                "for every item."
            )
        return found

    def rows(self, texts: Sequence[str]) -> Floats:
        """Rows of the table: N texts → [L, N, W]; L is 2 of explicit logs, disliked and liked, else 1.

        Raises:
            InputError: the language model that reads the texts is not there, or another one.
        """
        vectors = read_all(self.readers, texts)
        if self.explicit:
            return rounded(np.stack(self.unseen.labelled(vectors)))
        return rounded(self.unseen.items(vectors)[None])
