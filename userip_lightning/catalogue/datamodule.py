"""Events of users for the catalogue engine: who had which item how often, and what the items' texts say."""

from __future__ import annotations

import warnings

import numpy as np
from lightning.pytorch import LightningDataModule
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from userip_lightning.arrays import Floats
from userip_lightning.artifact import Manifest
from userip_lightning.catalogue.em_search import Block, hide
from userip_lightning.catalogue.labelled_rows import LabelledRows
from userip_lightning.catalogue.user_blocks import UserBlocks
from userip_lightning.catalogue.user_events import UserEvents, labelled_rows, user_events
from userip_lightning.data.derangement import cycle
from userip_lightning.data.item_text import tell_apart
from userip_lightning.data.prepared import PreparedData
from userip_lightning.errors import InputError
from userip_lightning.seeds import place_generator
from userip_lightning.texts.joined import joined_texts
from userip_lightning.texts.reader import TextReader
from userip_lightning.texts.source import BagOfWords, TextSource
from userip_lightning.texts.vectors import fitted_texts

DEFAULT_TEXT = BagOfWords()
_PERMUTATION = (2,)  # spawn key; those of the search begin with 0 and 1


class CatalogueDataModule(LightningDataModule):
    """TRAIN and SUPPORT events of a prepared data set, in blocks of users.

    Args:
        prepared: folder of the prepared artifact.
        text: what the prior reads of the items' texts.
        columns: columns of the item table that make an item's text, in order; the title alone where None.
        block_users: B, users per E step; memory goes with B and the number of classes.
        seed: of the events that are hidden from the starts, and of a permutation.
        permute_text: give every item the text of another one: the control that tells what words add to a
            prior that is as flexible.
    """

    manifest: Manifest  # of the prepared data
    user_ids: NDArray[np.str_]
    item_ids: NDArray[np.str_]
    events: UserEvents
    vectors: Floats | None  # [I, D]
    texts: list[str]  # [I], as they are read, permuted or not
    readers: list[TextReader] | None  # of further texts; None where nothing was kept that could
    reading: dict[str, object]  # of the texts: whatever decides the vectors, JSON values

    def __init__(
        self,
        prepared: str,
        text: TextSource = DEFAULT_TEXT,
        columns: list[str] | None = None,
        block_users: int = 65_536,
        seed: int = 0,
        permute_text: bool = False,
    ) -> None:
        super().__init__()
        if block_users < 1:
            raise InputError(f"catalogue.data.block_users: {block_users} given, at least 1 is needed.")
        self.prepared_path = prepared
        self.text = text
        self.columns = columns
        self.block_users = block_users
        self.seed = seed
        self.permute_text = permute_text

    def setup(self, stage: str) -> None:
        """Count events and read texts, unless that was done.

        Raises:
            InputError: the artifact is missing or damaged, it has no events to learn from, or no such column.
        """
        if hasattr(self, "events"):
            return
        data = PreparedData.load(self.prepared_path)
        self.manifest = data.manifest
        self.user_ids = data.users["user_id"].to_numpy().astype(np.str_)
        self.item_ids = data.items["item_id"].to_numpy().astype(np.str_)
        events = user_events(data)
        if not events.counts.nnz:
            raise InputError(f"{self.prepared_path}: no training events, expected some; prepare again.")
        self.vectors = self._vectors(data, events)
        self.events = events

    def labelled_rows(self) -> LabelledRows:
        """TRAIN rows and their labels, sampled negatives among them."""
        return labelled_rows(PreparedData.load(self.prepared_path), self.events.explicit)

    def train_dataloader(self) -> UserBlocks[Block]:
        """All users in order, a block per step, with a tenth of the events apart."""
        seen, hidden = hide(self.events.counts, self.seed)
        return UserBlocks(
            lambda users: Block(users.start, seen[users], hidden[users]), seen.shape[0], self.block_users
        )

    def predict_dataloader(self) -> UserBlocks[csr_matrix]:
        """All events of all users, in the same blocks."""
        counts = self.events.counts
        return UserBlocks(lambda users: counts[users], counts.shape[0], self.block_users)

    def _vectors(self, data: PreparedData, events: UserEvents) -> Floats | None:
        self.reading, self.readers = {}, []
        self.texts = texts = joined_texts(data.items, self.columns, "catalogue.data.columns")
        if self.text.reads != "nothing" and not tell_apart(texts):
            found = (
                "no two items have different texts" if any(map(str.strip, texts)) else "no item has a text"
            )
            warnings.warn(f"{self.prepared_path}: {found}, so codes come from counts alone.", stacklevel=2)
            return None
        vectors, readers = fitted_texts(self.text, texts, events)
        self.readers = None if self.permute_text else readers
        self.reading = {
            **{f"text.{name}": value for name, value in self.text.identity().items()},
            "weights": self.text.weights(),
            "columns": self.columns or ["title"],
            "permute_text": self.seed if self.permute_text else None,
        }
        if vectors is None or not self.permute_text:
            return vectors
        rng = place_generator(self.seed, *_PERMUTATION)
        place = cycle(len(vectors), rng)
        self.texts = [texts[item] for item in place]
        return vectors[place]
