"""Data of ReLLa: rows as prompts, training rows with their retrieved and their latest behaviours."""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple, cast

import numpy as np
import polars as pl
from lightning.pytorch import LightningDataModule
from numpy.typing import NDArray

from userip_lightning.artifact import Manifest
from userip_lightning.baselines.history import Histories
from userip_lightning.baselines.rella.answers import Answers, answer_tokens, frame_of
from userip_lightning.baselines.rella.batches import PromptBatches
from userip_lightning.baselines.rella.encoded import PromptEncoder, Prompts, join
from userip_lightning.baselines.rella.prompt import PromptWriter, item_texts
from userip_lightning.baselines.rella.retrieval import ItemVectors, Rows, encode_items, recent, retrieve
from userip_lightning.data.prepared import PreparedData
from userip_lightning.errors import InputError
from userip_lightning.leak_audit import refuse_overlap
from userip_lightning.lm.control_tokens import plain_table
from userip_lightning.lm.source import load_config, load_tokenizer
from userip_lightning.lm.text_encoder import DEFAULT_SOURCE, EncoderSource, TextEncoder
from userip_lightning.schema import TEST, TRAIN, VAL

#: Draws the judged rows, whatever the seed of a run: all runs are judged on the same ones.
_JUDGE = 20231


class _Loaded(NamedTuple):
    provenance: Manifest
    judged: pl.DataFrame
    answers: Answers
    prompts: dict[str, Prompts]  # split → its rows
    trained: NDArray[np.int64]  # row ids


class ReLLaDataModule(LightningDataModule):
    """Prompts for :class:`userip_lightning.baselines.rella.module.ReLLaModule`, which owns LM and template.

    Args:
        prepared: folder of the prepared data.
        behaviours: K, behaviours that a prompt shows.
        train_rows: TRAIN rows that are drawn to tune on, the paper's shots; ``null`` takes all.
        mixed: whether every training row comes a second time, with its latest behaviours.
        val_rows: VAL rows that are judged, the same for every seed; ``null`` takes all.
        test_rows: TEST rows that are judged, likewise.
        batch_size: prompts per training batch.
        eval_batch_size: prompts per batch that is scored.
        max_tokens: tokens of a prompt at most, where the language model reads as many.
        encoder: of the items' texts, for the retrieval.
        item_text: what the encoder reads of an item; fields of the item table in braces.
        seed: fixes the training rows, their order, the adapters' start and dropout.
    """

    def __init__(
        self,
        prepared: str,
        behaviours: int = 15,
        train_rows: int | None = None,
        mixed: bool = True,
        val_rows: int | None = None,
        test_rows: int | None = None,
        batch_size: int = 32,
        eval_batch_size: int = 32,
        max_tokens: int = 2048,
        encoder: EncoderSource = DEFAULT_SOURCE,
        item_text: str = "{title}",
        seed: int = 0,
    ) -> None:
        super().__init__()
        counts = {"train_rows": train_rows, "val_rows": val_rows, "test_rows": test_rows}
        counts |= {"behaviours": behaviours, "batch_size": batch_size, "eval_batch_size": eval_batch_size}
        for name, count in {**counts, "max_tokens": max_tokens}.items():
            if count is not None and count < 1:
                raise InputError(f"rella.data.{name} is {count}; give a whole number, at least 1.")
        if not 0 <= seed < 2**31:
            raise InputError(f"rella.data.seed is {seed}; give a whole number from 0 to 2147483647.")
        self.prepared = prepared
        self.behaviours = behaviours
        self.train_rows = train_rows
        self.mixed = mixed
        self.val_rows = val_rows
        self.test_rows = test_rows
        self.batch_size = batch_size
        self.eval_batch_size = eval_batch_size
        self.max_tokens = max_tokens
        self.encoder = encoder
        self.item_text = item_text
        self.seed = seed
        self._train: PromptBatches | None = None

    @property
    def judged(self) -> pl.DataFrame:
        """``row_id``, ``user_id``, ``split``, ``label`` of the VAL and TEST rows that are scored."""
        return self._loaded.judged

    @property
    def rows_seen(self) -> NDArray[np.int64]:
        """Ids of the TRAIN rows that are tuned on, and of the TRAIN and SUPPORT rows that histories show."""
        shown = [prompts.shown for prompts in self._loaded.prompts.values()]
        return np.unique(np.concatenate([self._loaded.trained, *shown]))

    @property
    def provenance(self) -> Manifest:
        """Manifest of the prepared data."""
        return self._loaded.provenance

    @property
    def answers(self) -> Answers:
        """Tokens of the two answers."""
        return self._loaded.answers

    @property
    def settings(self) -> dict[str, object]:
        """What decides the prompts, for the artifact's manifest; JSON values."""
        names = ("behaviours", "train_rows", "mixed", "val_rows", "test_rows", "batch_size", "max_tokens")
        chosen: dict[str, object] = {name: getattr(self, name) for name in (*names, "item_text", "seed")}
        return {**chosen, "encoder": self.encoder.name}

    def prompts(self, split: str) -> Prompts:
        """Prompts of ``train``, ``val`` or ``test``."""
        return self._loaded.prompts[split]

    def setup(self, stage: str) -> None:
        """Choose the rows, retrieve their behaviours, write and tokenise all prompts.

        Raises:
            InputError: the prepared data, the language model's tokenizer or the encoder cannot be used; the
                template names an unknown field; the answers cannot be told apart; a prompt is too long;
                judged rows are all of one class; or there are several processes.
        """
        if self.trainer is not None and self.trainer.world_size > 1:
            raise InputError(
                "rella.trainer.devices: ReLLa runs in one process; set devices and num_nodes to 1."
            )
        _ = self._loaded

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the training rows: a function of (seed, epoch)."""
        if self._train is not None:
            self._train.set_epoch(epoch)

    def train_dataloader(self) -> PromptBatches:
        """The TRAIN rows that were drawn, shuffled anew every epoch."""
        self._train = PromptBatches(self.prompts(TRAIN), self.batch_size, self.seed)
        return self._train

    def val_dataloader(self) -> PromptBatches:
        """VAL rows."""
        return PromptBatches(self.prompts(VAL), self.eval_batch_size, None)

    def test_dataloader(self) -> PromptBatches:
        """VAL and TEST rows: a report needs the scores of both from one model."""
        return PromptBatches(join(self.prompts(VAL), self.prompts(TEST)), self.eval_batch_size, None)

    def predict_dataloader(self) -> PromptBatches:
        """The rows of :meth:`test_dataloader`."""
        return self.test_dataloader()

    @cached_property
    def _loaded(self) -> _Loaded:
        prepared = PreparedData.load(self.prepared)
        chosen = {
            TRAIN: self._drawn(prepared, TRAIN, self.train_rows, self.seed),
            VAL: self._drawn(prepared, VAL, self.val_rows, _JUDGE),
            TEST: self._drawn(prepared, TEST, self.test_rows, _JUDGE),
        }
        _refuse_one_class(self.prepared, chosen)
        histories = Histories.collect(prepared)
        encoder, answers = self._encoder(prepared, histories)
        texts = item_texts(self.item_text, prepared.items, encoder.writer.template.missing)
        vectors = encode_items(texts, TextEncoder(self.encoder))
        prompts = {
            split: self._written(encoder, vectors, Rows.of(events), self.mixed and split == TRAIN)
            for split, events in chosen.items()
        }
        judged = pl.concat([chosen[VAL], chosen[TEST]]).select("row_id", "user_id", "split", "label")
        loaded = _Loaded(prepared.manifest, judged, answers, prompts, chosen[TRAIN]["row_id"].to_numpy())
        for own in prompts.values():
            refuse_overlap(self.prepared, own.shown, prepared.judged_rows())
        return loaded

    def _drawn(self, prepared: PreparedData, split: str, count: int | None, seed: int) -> pl.DataFrame:
        """Rows of a split, or ``count`` of them at random, in order of row id."""
        rows = prepared.rows(split)
        if rows.is_empty():
            raise InputError(f"{self.prepared}: the split {split!r} has no rows; choose another data.split.")
        if count is None or count >= rows.height:
            return rows
        chosen = np.random.default_rng(seed).choice(rows.height, count, replace=False)
        return rows[np.sort(chosen)]

    def _encoder(self, prepared: PreparedData, histories: Histories) -> tuple[PromptEncoder, Answers]:
        module: Any = cast(Any, self.trainer).lightning_module
        tokenizer = load_tokenizer(module.lm)
        items, users = (plain_table(table, tokenizer) for table in (prepared.items, prepared.users))
        writer = PromptWriter(module.prompt, items, users)
        frame = frame_of(module.prompt, tokenizer)
        answers = answer_tokens(module.prompt, frame, tokenizer)
        context = getattr(load_config(module.lm), "max_position_embeddings", self.max_tokens)
        room = min(self.max_tokens, int(context))
        return PromptEncoder(writer, tokenizer, frame, answers, histories, room), answers

    def _written(self, encoder: PromptEncoder, vectors: ItemVectors, rows: Rows, mixed: bool) -> Prompts:
        """Prompts with retrieved behaviours; where ``mixed``, followed by the same rows with their latest."""
        places = retrieve(encoder.histories, vectors, rows, self.behaviours)
        if mixed:
            places = np.concatenate([places, recent(encoder.histories, rows, self.behaviours)])
            rows = Rows(*(np.concatenate([column, column]) for column in rows))
        return encoder.encode(rows, places)


def _refuse_one_class(prepared: str, chosen: dict[str, pl.DataFrame]) -> None:
    for split in (VAL, TEST):
        labels = chosen[split]["label"]
        if labels.n_unique() < 2:
            raise InputError(
                f"{prepared}: all {len(labels)} judged rows of the split {split!r} have label {labels[0]} "
                f"and there is no AUC; raise rella.data.{split}_rows."
            )
