"""Users' behaviours as token ids: which items a prompt may show, by user and by what they thought of them."""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from userip_lightning.data.prepared import PreparedData
from userip_lightning.errors import InputError
from userip_lightning.lm.control_tokens import plain_table
from userip_lightning.lm.prompt import PromptTemplate, Tokenizer, encode_item
from userip_lightning.profile.prompt_bodies import BodyWriter, Drawn, Ints, Tokens

LIKED, DISLIKED = 0, 1
#: Users looked at together where all of them are gone through.
_BLOCK = 1 << 16


def item_texts(
    data: PreparedData, template: PromptTemplate, tokenizer: Tokenizer, allow_missing: bool
) -> list[str | None]:
    """How the prompt writes every item, in order of the dense item index; ``None`` where a field is missing.

    No letters of an item are a control token of ``tokenizer``.

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
    texts = [template.write_item(row) for row in plain_table(data.items, tokenizer).iter_rows(named=True)]
    missing = [i for i, text in enumerate(texts) if text is None]
    if missing and not allow_missing:
        others = f"; so do {len(missing) - 1} others" if len(missing) > 1 else ""
        raise InputError(
            f"{data.path}: item {data.items['item_id'][missing[0]]!r} lacks a text for the prompt "
            f"{template.item!r}{others}. Add it, or set profile.data.allow_missing_text to leave such items "
            "out."
        )
    return texts


def encode_items(texts: Sequence[str | None], template: PromptTemplate, tokenizer: Tokenizer) -> Tokens:
    """Token ids of every item, as many as the template takes; empty where it has no text."""
    most = template.item_max_tokens
    return Tokens.of([[] if text is None else encode_item(tokenizer, text, most) for text in texts])


class Behaviours(NamedTuple):
    """Items of every user in compressed rows: ``item[offset[u]:offset[u + 1]]``, and their group.

    The arrays may be memory-mapped; nothing here reads more of them than the users at hand need.
    """

    item: NDArray[np.int32]  #   [N] dense item index, sorted by user
    group: NDArray[np.int8]  #   [N] LIKED or DISLIKED
    offset: Ints  #              [U + 1]

    @staticmethod
    def collect(events: pl.DataFrame, items: Tokens, users: int, grouped: bool) -> Behaviours:
        """Behaviours that a prompt can show: logged (no sampled negatives), with text, in a shown group.

        Args:
            events: ``user``, ``item``, ``label``, ``logged`` and ``row_id``.
            items: token ids of every item.
            users: U.
            grouped: whether disliked items are shown, apart; otherwise they are left out.
        """
        told = pl.Series(np.diff(items.offset) > 0)
        kept = pl.col("logged") if grouped else pl.col("logged") & (pl.col("label") == 1)
        events = events.filter(kept).filter(pl.lit(told).gather(pl.col("item"))).sort("user", "row_id")
        group = np.where(events["label"].to_numpy() == 1, LIKED, DISLIKED).astype(np.int8)
        count = np.bincount(events["user"].to_numpy(), minlength=users)
        return Behaviours(events["item"].to_numpy(), group, np.concatenate([[0], count.cumsum()]))

    def of(self, users: Ints) -> tuple[Ints, Ints]:
        """Places of all behaviours of these users, and the place in ``users`` of whom each is."""
        begin, end = self.offset[users], self.offset[users + 1]
        count = end - begin
        owner = np.repeat(np.arange(len(users)), count)
        place = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
        return begin[owner] + place, owner

    def draw(self, users: Ints, count: int, rng: np.random.Generator) -> Drawn:
        """At most ``count`` of every user's items, drawn at random and in random order, by group."""
        place, owner = self.of(users)
        order = np.lexsort((rng.random(len(place)), owner))
        rank = np.arange(len(order)) - np.searchsorted(owner, owner)
        chosen = order[rank < count]  # owners stay in order
        group = self.group[place[chosen]].astype(np.int64)
        chosen = chosen[np.lexsort((group, owner[chosen]))]
        place, owner = place[chosen], owner[chosen]
        return Drawn(owner, self.group[place].astype(np.int64), self.item[place].astype(np.int64))

    def liked(self, users: Ints) -> tuple[Ints, Ints]:
        """Who of ``users`` (by place) liked which item."""
        place, owner = self.of(users)
        mine = self.group[place] == LIKED
        return owner[mine], self.item[place[mine]].astype(np.int64)

    def blocks(self) -> Iterator[Ints]:
        """All users, some at a time."""
        users = len(self.offset) - 1
        for first in range(0, users, _BLOCK):
            yield np.arange(first, min(first + _BLOCK, users))

    def speaking(self, users: Ints) -> Ints:
        """Those of ``users`` who have a behaviour."""
        return users[self.offset[users + 1] > self.offset[users]]

    def release(self) -> None:
        """Let go of mapped pages after all users were gone through; they stay in the system's cache."""
        for array in self:
            pages = getattr(array, "_mmap", None)
            if pages is not None and hasattr(mmap, "MADV_DONTNEED"):
                pages.madvise(mmap.MADV_DONTNEED)

    def longest_item(self, user: int, items: Tokens) -> tuple[int, int]:
        """Of a user's items the one with most tokens, and how many it has."""
        place, _ = self.of(np.array([user]))
        own = self.item[place]
        length = items.length(own)
        return int(own[length.argmax()]), int(length.max())

    def longest_body(self, writer: BodyWriter, items: Tokens, count: int) -> tuple[int, int]:
        """Tokens of the longest body that :meth:`draw` can lead to, and its user."""
        heads = sum(map(len, writer.heads))
        longest, worst = 0, 0
        for users in self.blocks():
            place, owner = self.of(users)
            length = items.length(self.item[place]) + len(writer.separator)
            order = np.lexsort((-length, owner))
            rank = np.arange(len(order)) - np.searchsorted(owner, owner)
            most = order[rank < count]
            total = np.bincount(owner[most], weights=length[most], minlength=len(users))
            if len(total) and total.max() + heads > longest and total.max() > 0:
                longest, worst = int(total.max()) + heads, int(users[total.argmax()])
        self.release()
        return longest, worst
