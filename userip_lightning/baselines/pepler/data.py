"""Data of PEPLER: training rows with what explains them, judged rows with a sample of texts."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import polars as pl
from lightning.pytorch import LightningDataModule
from numpy.typing import NDArray

from userip_lightning.artifact import Manifest
from userip_lightning.baselines.language_model import source_of
from userip_lightning.baselines.pepler.rows import Ints, JudgedBatches, Rows, TrainBatches
from userip_lightning.baselines.pepler.texts import ITEM, NONE, REVIEW, write_texts
from userip_lightning.data.prepared import PreparedData
from userip_lightning.errors import InputError
from userip_lightning.lm.source import load_tokenizer
from userip_lightning.schema import TEST, TRAIN, VAL


class _Loaded(NamedTuple):
    prepared: PreparedData
    tokenizer: Any
    users: int
    items: int
    rows: Rows  #           of all three splits
    kind: pl.Series  #      where the text of each of them comes from
    at: dict[str, Ints]  #  split → places of its rows


class PEPLERDataModule(LightningDataModule):
    """TRAIN, VAL and TEST rows of prepared data for a :class:`PEPLERModule`, whose LM has the tokenizer.

    Args:
        prepared: folder of the prepared data.
        seed: fixes the order of training rows, the sample of judged texts, the prompts' start and dropout.
        batch_size: rows per step.
        tokens: of a text that are explained; longer ones are cut.
        item_text: text of an item, for rows without a review; columns of the item table in braces.
        text_share: share of every batch's rows that learn their text, drawn by (seed, epoch); all of them
            learn their click.
        explained_rows: rows of VAL and of TEST whose text is judged, and TEST rows that are explained.
    """

    def __init__(
        self,
        prepared: str,
        seed: int = 0,
        batch_size: int = 128,
        tokens: int = 20,
        item_text: str = "{title}",
        text_share: float = 1.0,
        explained_rows: int = 200,
    ) -> None:
        super().__init__()
        if not 0 <= seed < 2**31:
            raise InputError(f"data.seed is {seed}; give a whole number from 0 to 2147483647.")
        if batch_size < 1 or tokens < 1 or explained_rows < 0:
            raise InputError(
                "data: batch_size and tokens count from 1 up and explained_rows from 0 up; correct them."
            )
        if not 0 <= text_share <= 1:
            raise InputError(f"data.text_share is {text_share}; give a share from 0 to 1.")
        self.prepared = prepared
        self.seed = seed
        self.batch_size = batch_size
        self.tokens = tokens
        self.item_text = item_text
        self.text_share = text_share
        self.explained_rows = explained_rows
        self._memory: _Loaded | None = None
        self._train: TrainBatches | None = None

    # ---- what the module asks

    @property
    def tokenizer(self) -> Any:
        """Of the language model."""
        return self._loaded.tokenizer

    @property
    def users(self) -> int:
        """Users with a TRAIN row; they are 1 .. ``users`` in a batch."""
        return self._loaded.users

    @property
    def items(self) -> int:
        """Items with a TRAIN row; they are 1 .. ``items`` in a batch."""
        return self._loaded.items

    @property
    def judged(self) -> pl.DataFrame:
        """``row_id``, ``user_id``, ``split``, ``label`` of every VAL and TEST row."""
        return self._loaded.prepared.rows(VAL, TEST).select("row_id", "user_id", "split", "label")

    @property
    def rows_seen(self) -> NDArray[np.int64]:
        """Ids of the TRAIN rows."""
        return self._of(TRAIN).row_id

    @property
    def provenance(self) -> Manifest:
        """Manifest of the prepared data."""
        return self._loaded.prepared.manifest

    @property
    def text_kinds(self) -> dict[str, int]:
        """How many TRAIN rows are explained by a review, by their item, by nothing."""
        kinds = self._loaded.kind.gather(self._loaded.at[TRAIN])
        return {kind: int((kinds == kind).sum()) for kind in (REVIEW, ITEM, NONE)}

    def kinds_of(self, row_id: Ints) -> list[str]:
        """Where the texts of these rows come from."""
        return list(self._loaded.kind.gather(np.searchsorted(self._loaded.rows.row_id, row_id)))

    def set_epoch(self, epoch: int) -> None:
        """Choose order and texts of the training rows: a function of (seed, epoch)."""
        if self._train is not None:
            self._train.set_epoch(epoch)

    # ---- loaders

    def setup(self, stage: str) -> None:
        """Read and tokenise, so that bad input is refused before a model is loaded.

        Raises:
            InputError: the prepared data or the tokenizer cannot be used, a split has no rows, the item text
                names an unknown column, or no training row has a text.
        """
        _ = self._loaded

    def train_dataloader(self) -> TrainBatches:
        """TRAIN rows, shuffled anew every epoch."""
        self._train = TrainBatches(self._of(TRAIN), self.batch_size, self.text_share, self.seed)
        return self._train

    def val_dataloader(self) -> JudgedBatches:
        """VAL rows, a sample of them with their texts."""
        rows = self._of(VAL)
        return JudgedBatches(rows, self._sample(rows))

    def test_dataloader(self) -> JudgedBatches:
        """VAL and TEST rows: a report needs the scores of both from one model. Texts are of TEST rows."""
        val, test = (self._loaded.at[split] for split in (VAL, TEST))
        both = self._loaded.rows.take(np.concatenate([val, test]))
        return JudgedBatches(both, len(val) + self._sample(self._of(TEST)))

    def predict_dataloader(self) -> JudgedBatches:
        """The rows of :meth:`test_dataloader`."""
        return self.test_dataloader()

    def _of(self, split: str) -> Rows:
        return self._loaded.rows.take(self._loaded.at[split])

    def _sample(self, rows: Rows) -> Ints:
        """Places of the rows whose text is judged: the same in every epoch."""
        told = np.flatnonzero(rows.text >= 0)
        rng = np.random.default_rng(self.seed)
        return np.sort(rng.choice(told, min(self.explained_rows, len(told)), replace=False))

    @property
    def _loaded(self) -> _Loaded:
        if self._memory is None:
            self._memory = self._load()
        return self._memory

    def _load(self) -> _Loaded:
        prepared = PreparedData.load(self.prepared)
        events = prepared.rows(TRAIN, VAL, TEST)
        for name in (TRAIN, VAL, TEST):
            if not (events["split"] == name).any():
                raise InputError(
                    f"{self.prepared}: the split {name!r} has no rows; choose another data.split."
                )
        tokenizer = load_tokenizer(source_of(self))
        texts = write_texts(events, prepared.items, self.item_text, tokenizer, self.tokens)
        users, items = (_known(prepared, events, side) for side in ("user", "item"))
        rows = Rows(
            users[events["user"].to_numpy()],
            items[events["item"].to_numpy()],
            events["label"].to_numpy().astype(np.float32),
            events["row_id"].to_numpy().copy(),
            texts.place,
            texts.ids,
        )
        at = {name: np.flatnonzero(events["split"] == name) for name in (TRAIN, VAL, TEST)}
        if (texts.place[at[TRAIN]] < 0).all():
            raise InputError(
                f"{self.prepared}: no training row has a review, and no item has what data.item_text "
                f"{self.item_text!r} needs, so there is nothing to explain; choose another item_text."
            )
        return _Loaded(prepared, tokenizer, int(users.max()), int(items.max()), rows, texts.kind, at)


def _known(prepared: PreparedData, events: pl.DataFrame, side: str) -> Ints:
    """Prompt of every user or item: 1, 2, … in order of the dense index, 0 without a TRAIN row."""
    known = np.unique(events.filter(split=TRAIN)[side].to_numpy())
    prompt = np.zeros(prepared.n_users if side == "user" else prepared.n_items, dtype=np.int64)
    prompt[known] = 1 + np.arange(len(known))
    return prompt
