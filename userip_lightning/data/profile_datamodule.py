"""Data of stage 1: every user's training behaviours as prompt bodies, and held-out ones to judge z by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import polars as pl
import torch
from lightning.pytorch import LightningDataModule
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from userip_lightning.artifact import refuse_overlap
from userip_lightning.batches import ProfileBatch, RecBatch
from userip_lightning.data.behaviours import Behaviours, encode_items, item_texts, user_texts
from userip_lightning.data.prepared import PreparedData
from userip_lightning.errors import InputError
from userip_lightning.profile.backbone import load_tokenizer
from userip_lightning.profile.prompt import BodyWriter, Prefix, build_prefix
from userip_lightning.profile.start import distinctive_words, start_ids
from userip_lightning.schema import SUPPORT, TEST, TRAIN, VAL

Steps = tuple[ProfileBatch, ...]


class ProfileDataModule(LightningDataModule):
    """Bodies of users for :class:`userip_lightning.profile.module.ProfileModule`, which owns LM and prompt.

    Args:
        prepared: folder of a ``prepared`` artifact.
        batch_size: B, users per batch.
        behaviours: behaviours drawn per user and step, at random; a user with fewer gives all.
        eval_users: how many users are judged by their held-out behaviours (validate, test).
        allow_missing_text: a user none of whose training items has a text keeps the start of his soft tokens,
            and items without text are left out of prompts. Otherwise both are refused.
        audit: refuse to train on a row of the validation or test split.
        seed: of draws and order; both are functions of (seed, epoch) alone.
    """

    def __init__(
        self,
        prepared: str,
        batch_size: int = 16,
        behaviours: int = 8,
        eval_users: int = 256,
        allow_missing_text: bool = False,
        audit: bool = True,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.prepared = prepared
        self.batch_size = batch_size
        self.behaviours = behaviours
        self.eval_users = eval_users
        self.allow_missing_text = allow_missing_text
        self.audit = audit
        self.seed = seed
        self._skipped = np.empty(0, dtype=np.int64)
        self._loaded = False

    # ---- what the module asks

    def setup(self, stage: str) -> None:
        """Tokenise items once and collect the behaviours of every split.

        Raises:
            InputError: missing or damaged data, a prompt that names an unknown field or tokenizes to
                nothing, a user or item without text.
        """
        if self._loaded:
            return
        module = cast(Any, self.trainer).lightning_module
        data = PreparedData.load(self.prepared)
        tokenizer = load_tokenizer(module.lm)
        template = module.prompt
        self.prefix: Prefix = build_prefix(template, tokenizer)
        self.writer = BodyWriter(template, tokenizer)
        texts = item_texts(data, template, self.allow_missing_text)
        items = self.item_ids = encode_items(texts, tokenizer)
        grouped = template.disliked is not None
        seen = data.rows(TRAIN, SUPPORT)
        self.training = Behaviours.collect(seen, items, data.n_users, grouped)
        self.held_out = {
            split: Behaviours.collect(data.rows(split), items, data.n_users, grouped) for split in (VAL, TEST)
        }
        self._refuse_silent_users(data)
        self._words = distinctive_words(
            user_texts(seen, texts, data.n_users), len(template.profiles) * template.soft_tokens
        )
        self._start = torch.from_numpy(
            start_ids(self._words, tokenizer, len(template.profiles), template.soft_tokens)
        )
        self.rec_rows = rec_rows(seen)
        self._row_offsets = np.searchsorted(self.rec_rows.user.numpy(), np.arange(data.n_users + 1))
        self.n_users, self.n_items, self.data_hash = data.n_users, data.n_items, data.data_hash
        self.rows_seen: NDArray[np.int64] = seen["row_id"].to_numpy()
        if self.audit:
            refuse_overlap(self.prepared, self.rows_seen, data.judged_rows())
        self.user_ids: NDArray[np.str_] = data.users["user_id"].to_numpy().astype(np.str_)
        self._loaded = True

    def check_context(self, context: int) -> None:
        """Refuse prompts that could outgrow the LM's context.

        Raises:
            InputError: the longest possible prompt has more tokens than ``context``.
        """
        longest, user = self.training.longest_body(self.writer, self.behaviours)
        total = len(self.prefix.ids) + longest
        if total > context:
            raise InputError(
                f"profile.data.behaviours: the prompt of user {self.user_id(user)!r} can reach {total} "
                f"tokens, the language model reads {context}; lower behaviours ({self.behaviours}) or "
                "shorten prompt.item."
            )

    def start_ids(self, users: Tensor) -> Tensor:
        """[B, P, S] vocabulary ids at which the soft tokens of [B] users may start."""
        return self._start[users]

    def silent_users(self) -> NDArray[np.int64]:
        """Users that training never meets: they have no behaviour that the prompt can show."""
        return self.training.silent_users()

    def skip(self, users: NDArray[np.int64]) -> None:
        """Leave out the training batches all of whose users are among these; they are done."""
        self._skipped = users

    def user_id(self, user: int) -> str:
        """The user's id as the source writes it."""
        return str(self.user_ids[user])

    # ---- loaders

    def train_dataloader(self) -> DataLoader[Steps]:
        """Every user once per epoch, each batch with one body per inner step."""
        return _loader(_TrainingBatches(self))

    def predict_dataloader(self) -> DataLoader[Steps]:
        """Every user once, in order."""
        return _loader(_EveryUser(self))

    def val_dataloader(self) -> DataLoader[ProfileBatch]:
        """Held-out behaviours of the validation split."""
        return _loader(_HeldOutBatches(self, VAL))

    def test_dataloader(self) -> DataLoader[ProfileBatch]:
        """Held-out behaviours of the test split."""
        return _loader(_HeldOutBatches(self, TEST))

    # ---- batches

    def steps(self, users: NDArray[np.int64], rng: np.random.Generator) -> Steps:
        """One batch per inner step for these users, each with its own draw of behaviours."""
        inner: int = cast(Any, self.trainer).lightning_module.inner_steps
        return tuple(self._batch(users, self.training, rng) for _ in range(inner))

    def _batch(self, users: NDArray[np.int64], source: Behaviours, rng: np.random.Generator) -> ProfileBatch:
        bodies = [self.writer.write(source.draw(int(user), self.behaviours, rng)) for user in users]
        length = max(len(body.ids) for body in bodies)
        columns = {"ids": 0, "target": False, "segment": -2, "head": -1, "position": 0, "source": 0}
        padded = {
            name: torch.tensor([getattr(b, name) + [fill] * (length - len(b.ids)) for b in bodies])
            for name, fill in columns.items()
        }
        valid = torch.arange(length) < torch.tensor([[len(b.ids)] for b in bodies])
        rows = torch.from_numpy(users)
        return ProfileBatch(
            user=rows, valid=valid, start=self._start[rows], rows=self._rows_of(users), **padded
        )

    def _rows_of(self, users: NDArray[np.int64]) -> RecBatch:
        spans = [np.arange(self._row_offsets[u], self._row_offsets[u + 1]) for u in users]
        chosen = torch.from_numpy(np.concatenate(spans))
        position = torch.from_numpy(np.repeat(np.arange(len(users)), [len(s) for s in spans]))
        return RecBatch(position, self.rec_rows.item[chosen], self.rec_rows.label[chosen])

    def _refuse_silent_users(self, data: PreparedData) -> None:
        silent = self.training.silent_users()
        if len(silent) and not self.allow_missing_text:
            raise InputError(
                f"{self.prepared}: user {data.users['user_id'][int(silent[0])]!r} and {len(silent) - 1} more "
                "have no training behaviour that the prompt can show (no text, or only disliked items); add "
                "texts, set prompt.disliked, or set profile.data.allow_missing_text to let them keep their "
                "start."
            )


#: Batches whose users are sorted by length among each other, so that little of a batch is padding.
_WINDOW = 16


class _TrainingBatches(IterableDataset[Steps]):
    """All users with a behaviour, in an order that is a function of (seed, epoch); batches that are done
    are passed over, and the others are those of a run that was never interrupted."""

    def __init__(self, data: ProfileDataModule) -> None:
        self.data = data
        self.users = data.training.speaking_users()

    def __len__(self) -> int:
        if not len(self.data._skipped):
            return -(-len(self.users) // self.data.batch_size)
        return sum(self._is_open(users) for window in self._windows(self._rng()) for users in window)

    def __iter__(self) -> Iterator[Steps]:
        rng = self._rng()
        for window in self._windows(rng):
            for place in rng.permutation(len(window)):
                # drawn for batches that are done, too: the generator has to move on as it did for them
                steps = self.data.steps(window[place], rng)
                if self._is_open(window[place]):
                    yield steps

    def _rng(self) -> np.random.Generator:
        return np.random.default_rng([self.data.seed, cast(Any, self.data.trainer).current_epoch])

    def _windows(self, rng: np.random.Generator) -> list[list[NDArray[np.int64]]]:
        """Batches of users, random windows of them sorted by length."""
        tokens = self.data.training.expected_tokens(self.data.behaviours)
        windows = _cut(rng.permutation(self.users), self.data.batch_size * _WINDOW)
        return [
            _cut(users[np.argsort(tokens[users], kind="stable")], self.data.batch_size) for users in windows
        ]

    def _is_open(self, users: NDArray[np.int64]) -> bool:
        return not np.isin(users, self.data._skipped).all()


class _EveryUser(IterableDataset[Steps]):
    """All users in order, whether or not they have a behaviour."""

    def __init__(self, data: ProfileDataModule) -> None:
        self.data = data
        self.batches = _cut(np.arange(data.n_users), data.batch_size)

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Steps]:
        rng = np.random.default_rng([self.data.seed, cast(Any, self.data.trainer).current_epoch])
        for users in self.batches:
            yield self.data.steps(users, rng)


class _HeldOutBatches(IterableDataset[ProfileBatch]):
    """Held-out behaviours of at most ``eval_users`` users, the same ones every time."""

    def __init__(self, data: ProfileDataModule, split: str) -> None:
        self.data, self.source = data, data.held_out[split]
        rng = np.random.default_rng(data.seed)
        judged = rng.permutation(self.source.speaking_users())[: data.eval_users]
        self.batches = _cut(judged, data.batch_size)
        # "another user's z" needs company, so a last user alone joins the batch before
        if len(self.batches) > 1 and len(self.batches[-1]) == 1:
            last = self.batches.pop()
            self.batches[-1] = np.concatenate([self.batches[-1], last])

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[ProfileBatch]:
        rng = np.random.default_rng(self.data.seed + 1)
        for users in self.batches:
            yield self.data._batch(users, self.source, rng)


def _cut(users: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    return [users[first : first + size] for first in range(0, len(users), size)]


def _loader(batches: IterableDataset[Any]) -> DataLoader[Any]:
    return DataLoader(batches, batch_size=None)


def rec_rows(events: pl.DataFrame) -> RecBatch:
    """Rows for the recommendation loss, sorted by user; ``user`` is the dense index."""
    rows = events.sort("user", "row_id")
    return RecBatch(
        torch.from_numpy(rows["user"].to_numpy().astype(np.int64)),
        torch.from_numpy(rows["item"].to_numpy().astype(np.int64)),
        torch.from_numpy(rows["label"].to_numpy().astype(np.float32)),
    )
