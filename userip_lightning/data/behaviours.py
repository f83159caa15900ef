"""Users' behaviours as token ids: which items a prompt may show, by user and by what he thought of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from userip_lightning.data.prepared import PreparedData
from userip_lightning.errors import InputError
from userip_lightning.profile.prompt import BodyWriter, PromptTemplate, Tokenizer, encode

LIKED, DISLIKED = 0, 1


def item_texts(data: PreparedData, template: PromptTemplate, allow_missing: bool) -> list[str | None]:
    """How the prompt writes every item, in order of the dense item index; ``None`` where a field is missing.

    Raises:
        InputError: the template names a column that the items do not have, or an item has no text and
            ``allow_missing`` is false.
    """
    for name in template.item_fields():
        if name not in data.items.columns:
            raise InputError(
                f"prompt.item: the items of {data.path} have no column {name!r}; "
                f"they have {', '.join(data.items.columns)}."
            )
    texts = [template.write_item(row) for row in data.items.iter_rows(named=True)]
    missing = [i for i, text in enumerate(texts) if text is None]
    if missing and not allow_missing:
        raise InputError(
            f"{data.path}: item {data.items['item_id'][missing[0]]!r} and {len(missing) - 1} more have no "
            f"text for the prompt {template.item!r}; add it, or set profile.data.allow_missing_text to leave "
            "them out."
        )
    return texts


def encode_items(texts: Sequence[str | None], tokenizer: Tokenizer) -> list[list[int]]:
    """Token ids of every item; empty where it has no text."""
    return [[] if text is None else encode(tokenizer, text) for text in texts]


def user_texts(events: pl.DataFrame, texts: Sequence[str | None], users: int) -> list[str]:
    """The texts of all items that a user liked, joined; what his distinctive words are chosen from."""
    parts: list[list[str]] = [[] for _ in range(users)]
    liked = events.filter(pl.col("label") == 1).sort("row_id")
    for user, item in zip(liked["user"].to_list(), liked["item"].to_list(), strict=True):
        if texts[item] is not None:
            parts[user].append(str(texts[item]))
    return [" ".join(part) for part in parts]


class Behaviours:
    """Items of every user in compressed rows: ``item[offset[u]:offset[u + 1]]``, and their group.

    Args:
        items: token ids by dense item index.
        item: [N] dense item index, sorted by user.
        group: [N] LIKED or DISLIKED.
        offset: [U + 1].
        groups: 2 where disliked items are shown apart, else 1.
    """

    def __init__(
        self,
        items: list[list[int]],
        item: NDArray[np.int64],
        group: NDArray[np.int64],
        offset: NDArray[np.int64],
        groups: int,
    ) -> None:
        self.items = items
        self.item = item
        self.group = group
        self.offset = offset
        self.groups = groups

    @staticmethod
    def collect(events: pl.DataFrame, items: list[list[int]], users: int, grouped: bool) -> Behaviours:
        """Behaviours that a prompt can show: logged (no sampled negatives), with text, in a shown group."""
        told = pl.Series([bool(ids) for ids in items])
        events = events.filter(pl.col("logged")).sort("user", "row_id")
        events = events.filter(told.gather(events["item"]))
        if not grouped:
            events = events.filter(pl.col("label") == 1)
        user = events["user"].to_numpy()
        group = np.where(events["label"].to_numpy() == 1, LIKED, DISLIKED)
        offset = np.searchsorted(user, np.arange(users + 1))
        return Behaviours(
            items, events["item"].to_numpy().astype(np.int64), group, offset, 2 if grouped else 1
        )

    def draw(self, user: int, count: int, rng: np.random.Generator) -> list[list[list[int]]]:
        """Token ids of at most ``count`` of the user's items in random order, by group."""
        chosen = rng.permutation(np.arange(self.offset[user], self.offset[user + 1]))[:count]
        groups: list[list[list[int]]] = [[] for _ in range(self.groups)]
        for place in chosen:
            groups[self.group[place]].append(self.items[self.item[place]])
        return groups

    def expected_tokens(self, count: int) -> NDArray[np.float64]:
        """[U] tokens that :meth:`draw` gives on average, task texts aside."""
        length = np.array([len(ids) for ids in self.items], dtype=np.float64)[self.item]
        total = np.concatenate([[0.0], length.cumsum()])
        own, number = np.diff(total[self.offset]), np.diff(self.offset)
        share: NDArray[np.float64] = np.minimum(1.0, count / np.maximum(number, 1))
        return own * share

    def speaking_users(self) -> NDArray[np.int64]:
        """Users with at least one behaviour."""
        return np.flatnonzero(np.diff(self.offset))

    def silent_users(self) -> NDArray[np.int64]:
        """Users without any behaviour."""
        return np.flatnonzero(np.diff(self.offset) == 0)

    def longest_body(self, writer: BodyWriter, count: int) -> tuple[int, int]:
        """Tokens of the longest body that :meth:`draw` can produce, and its user."""
        length = np.array([len(ids) for ids in self.items], dtype=np.int64)[self.item] + len(writer.separator)
        heads = sum(map(len, writer.heads))
        longest, worst = 0, 0
        for user in self.speaking_users():
            own = np.sort(length[self.offset[user] : self.offset[user + 1]])[-count:]
            if heads + own.sum() > longest:
                longest, worst = int(heads + own.sum()), int(user)
        return longest, worst
