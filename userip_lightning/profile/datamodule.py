"""Data of stage 1: every user's training behaviours as prompt bodies, and held-out ones to judge z by."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from lightning.pytorch import LightningDataModule
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from userip_lightning import parquet
from userip_lightning.artifact import read_manifest
from userip_lightning.batches import ProfileBatch, ProfileStep, RecBatch
from userip_lightning.data.prepared import PreparedData
from userip_lightning.errors import InputError
from userip_lightning.leak_audit import refuse_overlap
from userip_lightning.lm.prompt import Prefix, build_prefix, first_words
from userip_lightning.lm.source import load_tokenizer
from userip_lightning.profile.behaviour_store import BehaviourStore
from userip_lightning.profile.prompt_bodies import BodyWriter, Ints
from userip_lightning.profile.settings import ProfileSettings, settings_of
from userip_lightning.profile.steps import (
    BlockSteps,
    BodySource,
    HeldOutBatches,
    JointSteps,
    RankBlocks,
    Shape,
    padded_width,
)
from userip_lightning.profile.words import start_ids
from userip_lightning.schema import SUPPORT, TEST, TRAIN, VAL

#: Batches that a block needs at least, for little of it to be padding; blocks that a population is cut into.
_BATCHES, _BLOCKS = 16, 8
_NO_ROWS = RecBatch(torch.empty(0, dtype=torch.long), torch.empty(0, dtype=torch.long), torch.empty(0))


class ProfileDataModule(LightningDataModule):
    """Bodies of users for :class:`userip_lightning.profile.module.ProfileModule`, which owns LM and prompt.

    Args:
        prepared: folder of a ``prepared`` artifact; what stage 1 needs of it is tokenised once, beside it.
        batch_size: B, users per step of the LM, on average: batches hold about equally many tokens, so short
            prompts come with more users than long ones. ``null`` takes what fits into memory, 64 at most.
        behaviours: behaviours drawn per user and step, at random; a user with fewer gives all.
        eval_users: how many users are judged by their held-out behaviours (validate, test).
        block_size: users that are sorted by length together, are one shard in ``streaming`` and go to one
            process; with more of them less is padding, and more is lost when a run is killed. The most there
            are: a small population has smaller blocks, so that several processes have some each.
        allow_missing_text: a user none of whose training items has a text keeps the start of their soft
            tokens, and items without text are left out of prompts. Otherwise both are refused.
        audit: refuse to train on a row of the validation or test split.
        seed: of draws and order; both are functions of seed, epoch and block alone.
    """

    #: Users per step at most where ``batch_size`` is left open: more bring no more tokens per second.
    MOST_USERS = 64

    def __init__(
        self,
        prepared: str,
        batch_size: int | None = 16,
        behaviours: int = 8,
        eval_users: int = 256,
        block_size: int = 1024,
        allow_missing_text: bool = False,
        audit: bool = True,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.prepared = prepared
        self.batch_size = batch_size
        self.behaviours = behaviours
        self.eval_users = eval_users
        self.block_size = block_size
        self.allow_missing_text = allow_missing_text
        self.audit = audit
        self.seed = seed
        self._done: frozenset[int] = frozenset()
        self._loaded = False

    # ---- what the module asks

    def prepare_data(self) -> None:
        """Tokenise once, in one process per machine."""
        self._open_store()

    def setup(self, stage: str) -> None:
        """Map the tokenised behaviours of every split.

        Raises:
            InputError: missing or damaged data, a prompt that names an unknown field or tokenizes to
                nothing, a user or item without text.
        """
        if self._loaded:
            return
        settings = self._settings
        tokenizer = load_tokenizer(settings.lm)
        self.prefix: Prefix = build_prefix(settings.prompt, tokenizer)
        self.writer = BodyWriter(settings.prompt, tokenizer)
        self.store = self._open_store()
        self._refuse_silent_users()
        manifest = read_manifest(self.prepared, "prepared")
        self.n_users, self.data_hash = int(manifest.users), manifest.data_hash
        enough = max(_BATCHES * (self.batch_size or self.MOST_USERS), -(-self.n_users // _BLOCKS))
        self.block = min(self.block_size, enough)
        if self.audit and self.store.leaked:
            refuse_overlap(self.prepared, self.rows_seen, self._row_ids(VAL, TEST))
        self._loaded = True

    def check_context(self, context: int) -> None:
        """Refuse prompts that could outgrow the LM's context.

        Raises:
            InputError: the longest possible prompt has more tokens than ``context``.
        """
        total = len(self.prefix.ids) + self.longest[0]
        if total > context:
            item, tokens = self.store.splits[TRAIN].longest_item(self.longest[1], self.store.items)
            row = self._item(item)
            text = self._settings.prompt.write_item(row) or ""
            raise InputError(
                f"profile.data.behaviours: the prompt of user {self.user_id(self.longest[1])!r} can reach "
                f"{total} tokens, the language model reads {context}; lower behaviours ({self.behaviours}), "
                "shorten prompt.item, or set prompt.item_max_tokens: item "
                f"{row['item_id']!r} ({first_words(text)!r}) alone has {tokens} tokens."
            )

    @cached_property
    def longest(self) -> tuple[int, int]:
        """Tokens of the longest body that can be drawn, and its user."""
        return self.store.splits[TRAIN].longest_body(self.writer, self.store.items, self.behaviours)

    def body_width(self) -> tuple[int, float]:
        """Tokens of the widest row, and of a body on average (over the first users)."""
        users = self.store.splits[TRAIN].speaking(np.arange(min(self.n_users, 4096)))
        bodies = self._source(TRAIN).draw(users, self.behaviours, np.random.default_rng(self.seed))
        mean = float(bodies.length.mean()) if len(users) else 0.0
        return padded_width(max(1, self.longest[0])), mean

    def start_ids(self, users: Ints) -> Tensor:
        """[B, P, S] vocabulary ids at which the soft tokens of [B] users may start."""
        owner, item = self.store.splits[TRAIN].liked(users)
        shape = (len(self._settings.prompt.profiles), self._settings.prompt.soft_tokens)
        ids = start_ids(owner, item, self.store.words, len(users), shape[0] * shape[1])
        return torch.from_numpy(ids.reshape(len(users), *shape))

    def judged_users(self, split: str) -> Tensor:
        """[J] users whose held-out behaviours in ``split`` are judged, in order."""
        return torch.from_numpy(np.sort(np.concatenate([[], *self._held_out_batches(split).batches]))).long()

    def owned_users(self) -> Ints:
        """Users that this process holds soft tokens of."""
        users = np.arange(self.n_users)
        return users[self._share.owns(users, self.block)]

    def blocks(self) -> list[tuple[int, int]]:
        """First user and number of users of every block that this process holds."""
        share, size = self._share, self.block
        firsts = share.firsts(share.rank, self.n_users, size)
        return [(first, min(size, self.n_users - first)) for first in firsts]

    def skip(self, blocks: frozenset[int]) -> None:
        """Leave out the blocks that begin with these users; they are done."""
        self._done = blocks

    def user_id(self, user: int) -> str:
        """The user's id as the source writes it."""
        return str(self._users().slice(user, 1).collect()["user_id"][0])

    def _item(self, item: int) -> dict[str, Any]:
        """A row of the item table."""
        items = parquet.scan(Path(self.prepared) / "items.parquet")
        return items.slice(item, 1).collect().row(0, named=True)

    def user_ids(self) -> NDArray[np.str_]:
        """[U] ids of all users."""
        return self._users().collect()["user_id"].to_numpy().astype(np.str_)

    @property
    def n_items(self) -> int:
        """Items of the data, with and without text."""
        return len(self.store.items.offset) - 1

    @property
    def rows_seen(self) -> NDArray[np.int64]:
        """Ids of all rows that stages 1 and 2 may see."""
        return self._row_ids(TRAIN, SUPPORT)

    @cached_property
    def rec_rows(self) -> RecBatch:
        """All training rows, sorted by user, for the recommendation loss of a prior."""
        return rec_rows(PreparedData.load(self.prepared).rows(TRAIN, SUPPORT))

    # ---- loaders

    def train_dataloader(self) -> DataLoader[ProfileStep]:
        """Every user with a behaviour, ``inner_steps`` times."""
        source = self._source(TRAIN)
        if self._settings.schedule == "joint":
            return _loader(JointSteps(source, self.n_users, self._shape, self._epoch))
        return _loader(BlockSteps(source, self.n_users, self._shape, self._share, self._epoch, self._done))

    def predict_dataloader(self) -> DataLoader[ProfileStep]:
        """Every user, in blocks, ``inner_steps`` times."""
        shape = self._shape
        return _loader(BlockSteps(self._source(TRAIN), self.n_users, shape, self._share, self._epoch))

    def val_dataloader(self) -> DataLoader[ProfileBatch | None]:
        """Held-out behaviours of the validation split."""
        return _loader(self._held_out_batches(VAL))

    def test_dataloader(self) -> DataLoader[ProfileBatch | None]:
        """Held-out behaviours of the test split."""
        return _loader(self._held_out_batches(TEST))

    def _held_out_batches(self, split: str) -> HeldOutBatches:
        source = self._source(split)
        return HeldOutBatches(source, self.n_users, self.eval_users, self._shape, self._share)

    # ---- parts

    @property
    def _settings(self) -> ProfileSettings:
        return settings_of(self)

    @property
    def _shape(self) -> Shape:
        # where the batch was left open, nobody asks before the launch is planned
        return Shape(self.block, self.batch_size or 1, self.behaviours, self._settings.inner_steps, self.seed)

    @property
    def _share(self) -> RankBlocks:
        assert self.trainer is not None
        return RankBlocks(self.trainer.global_rank, self.trainer.world_size)

    def _epoch(self) -> int:
        assert self.trainer is not None
        return self.trainer.current_epoch

    def _source(self, split: str) -> BodySource:
        rows_of = self._rows_of if self._settings.has_prior else _no_rows
        return BodySource(self.store.splits[split], self.store.items, self.writer, rows_of)

    def _rows_of(self, users: Ints) -> RecBatch:
        every = self.rec_rows.user.numpy()
        begin, end = np.searchsorted(every, users), np.searchsorted(every, users, side="right")
        spans = [np.arange(first, last) for first, last in zip(begin, end, strict=True)]
        chosen = torch.from_numpy(np.concatenate(spans))
        position = torch.from_numpy(np.repeat(np.arange(len(users)), end - begin))
        return RecBatch(position, self.rec_rows.item[chosen], self.rec_rows.label[chosen])

    def _open_store(self) -> BehaviourStore:
        tokenizer = load_tokenizer(self._settings.lm)
        return BehaviourStore.open(
            Path(self.prepared), self._settings.prompt, tokenizer, self.allow_missing_text
        )

    def _row_ids(self, *splits: str) -> NDArray[np.int64]:
        events = parquet.scan(Path(self.prepared) / "events.parquet")
        return events.filter(pl.col("split").is_in(splits)).select("row_id").collect()["row_id"].to_numpy()

    def _users(self) -> pl.LazyFrame:
        return parquet.scan(Path(self.prepared) / "users.parquet").select("user_id")

    def _refuse_silent_users(self) -> None:
        if self.store.silent and not self.allow_missing_text:
            raise InputError(
                f"{self.prepared}: user {self.user_id(self.store.first_silent)!r} and "
                f"{self.store.silent - 1} more have no training behaviour that the prompt can show (no text, "
                "or only disliked items); add texts, set prompt.disliked, or set "
                "profile.data.allow_missing_text to let them keep their start."
            )


def rec_rows(events: pl.DataFrame) -> RecBatch:
    """Rows for the recommendation loss, sorted by user; ``user`` is the dense index."""
    rows = events.sort("user", "row_id")
    return RecBatch(
        torch.from_numpy(rows["user"].to_numpy().astype(np.int64)),
        torch.from_numpy(rows["item"].to_numpy().astype(np.int64)),
        torch.from_numpy(rows["label"].to_numpy().astype(np.float32)),
    )


def _no_rows(users: Ints) -> RecBatch:
    return _NO_ROWS


def _loader(batches: IterableDataset[Any]) -> DataLoader[Any]:
    return DataLoader(batches, batch_size=None)
