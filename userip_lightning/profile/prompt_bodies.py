"""Bodies of prompts (Eq. 3): task texts and behaviours of many users at once, in compressed rows.

Where behaviours are independent (see :mod:`userip_lightning.lm.mask`), each restarts at the position
after its task text and its first token is predicted from there. Otherwise they follow one another.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from userip_lightning.errors import InputError
from userip_lightning.lm.prompt import PromptTemplate, Tokenizer, encode

Ints = NDArray[np.int64]


class Tokens(NamedTuple):
    """Token ids of texts, one after another; text i is ``ids[offset[i]:offset[i + 1]]``."""

    ids: NDArray[np.int32]  #  may be memory-mapped
    offset: Ints  #            [I + 1]

    @staticmethod
    def of(texts: list[list[int]]) -> Tokens:
        """From lists of ids."""
        offset = np.cumsum([0, *map(len, texts)])
        return Tokens(np.array([token for text in texts for token in text], dtype=np.int32), offset)

    def of_text(self, text: int) -> list[int]:
        """Token ids of one text."""
        return [int(token) for token in self.ids[self.offset[text] : self.offset[text + 1]]]

    def length(self, texts: NDArray[np.integer]) -> Ints:
        """Tokens of these texts."""
        length: Ints = self.offset[texts + 1] - self.offset[texts]
        return length


class Drawn(NamedTuple):
    """Behaviours to show, in order; ``user`` does not fall."""

    user: Ints  #   [N] which of the users at hand
    group: Ints  #  [N] which task text; groups of a user do not mix
    item: Ints  #   [N]


class Bodies(NamedTuple):
    """Token ids after the prefix, all users' one after another; positions are relative to the prefix' end."""

    offset: Ints  #                [B + 1]
    ids: Ints
    target: NDArray[np.bool_]  #   where the likelihood counts
    segment: Ints  #               heads and behaviours, numbered from P + 1
    head: Ints  #                  segment of the task text that introduces the token
    position: Ints
    source: Ints  #                place in the user's body whose hidden state predicts the token; -1: prefix

    @property
    def length(self) -> Ints:
        """[B] tokens of every user."""
        return np.diff(self.offset)

    def rows(self, users: Ints, width: int) -> dict[str, NDArray[np.int64] | NDArray[np.bool_]]:
        """Some users' bodies by column, right-padded to [len(users), width]; ``valid`` is False there."""
        place = np.arange(width)
        valid = place < self.length[users, None]
        flat = np.where(valid, self.offset[users, None] + place, 0)
        fill = {"ids": 0, "target": False, "segment": -2, "head": -1, "position": 0, "source": 0}
        columns = {name: np.where(valid, getattr(self, name)[flat], value) for name, value in fill.items()}
        return {"valid": valid, **columns}


class BodyWriter:
    """Writes bodies from tokenised pieces; every piece is tokenised once.

    Args:
        template: the prompt.
        tokenizer: of the language model.

    Raises:
        InputError: a task text tokenizes to nothing.
    """

    def __init__(self, template: PromptTemplate, tokenizer: Tokenizer) -> None:
        texts = [template.liked] if template.disliked is None else [template.liked, template.disliked]
        self.heads = [encode(tokenizer, text) for text in texts]
        if not all(self.heads):
            raise InputError(
                f"prompt: a task text of {texts} tokenizes to nothing; give it at least one word."
            )
        self.separator = encode(tokenizer, template.separator)
        self.first_segment = len(template.profiles) + 1
        self.independent = template.independent

    def write(self, drawn: Drawn, items: Tokens, users: int) -> Bodies:
        """Compose bodies; a group without items is left out with its task text.

        Args:
            drawn: what to show of whom.
            items: token ids of every item.
            users: B, users at hand; one who shows nothing has an empty body.
        """
        pieces = self._pieces(drawn, items)
        which = np.repeat(np.arange(len(pieces.length)), pieces.length)
        first = np.cumsum(pieces.length) - pieces.length  # place of every piece among all tokens
        inside = np.arange(len(which)) - first[which]
        offset = np.concatenate([[0], np.bincount(pieces.user[which], minlength=users).cumsum()])
        place = np.arange(len(which)) - offset[pieces.user[which]]
        head_end = (first + pieces.length - 1)[pieces.head_piece] - offset[pieces.user]
        position, source = place, place - 1
        if self.independent:
            begun = np.where(pieces.is_head, 0, pieces.length[pieces.head_piece])
            after = np.where(pieces.is_head, -1, head_end)
            position = begun[which] + inside
            source = np.where(inside == 0, after[which], place - 1)
        return Bodies(
            offset,
            self._ids(pieces, items, which, inside),
            ~pieces.is_head[which] & (inside < pieces.told[which]),
            pieces.segment[which],
            self.first_segment + pieces.group[which],
            position,
            source,
        )

    def _pieces(self, drawn: Drawn, items: Tokens) -> _Pieces:
        """Items with their separators, and a task text in front of every group."""
        count = len(drawn.user)
        opens = np.ones(count, dtype=bool)  # an item that is the first of its group
        opens[1:] = (np.diff(drawn.user) != 0) | (np.diff(drawn.group) != 0)
        item_place = np.arange(count) + opens.cumsum()
        head_place = item_place[opens] - 1
        total = count + len(head_place)
        is_head = np.zeros(total, dtype=bool)
        is_head[head_place] = True
        item = np.zeros(total, dtype=np.int64)
        item[item_place] = drawn.item
        user, group = (_spread(values, item_place, head_place, opens) for values in (drawn.user, drawn.group))
        head_piece = np.maximum.accumulate(np.where(is_head, np.arange(total), 0))
        heads = np.array([len(head) for head in self.heads])
        told = np.where(is_head, heads[group], items.length(item) if count else 0)
        length = told + np.where(is_head, 0, len(self.separator))
        number = (~is_head).cumsum() - 1
        begun = np.searchsorted(drawn.user, user)  # items of the users before
        segment = self.first_segment + np.where(is_head, group, len(self.heads) + number - begun)
        return _Pieces(is_head, user, group, item, head_piece, told, length, segment)

    def _ids(self, pieces: _Pieces, items: Tokens, which: Ints, inside: Ints) -> Ints:
        """Token ids from one pool: task texts, the separator, items."""
        fixed = [*self.heads, self.separator]
        at = np.cumsum([0, *map(len, fixed)])
        own = inside < pieces.told[which]
        ids = np.empty(len(which), dtype=np.int64)
        in_item = own & ~pieces.is_head[which]
        ids[in_item] = items.ids[(items.offset[pieces.item[which]] + inside)[in_item]]
        start = np.where(own, at[pieces.group[which]], at[len(self.heads)] - pieces.told[which])
        pool = np.array([token for piece in fixed for token in piece], dtype=np.int64)
        ids[~in_item] = pool[(start + inside)[~in_item]]
        return ids


class _Pieces(NamedTuple):
    """Task texts and items in order; [N] each."""

    is_head: NDArray[np.bool_]
    user: Ints
    group: Ints
    item: Ints
    head_piece: Ints  #  the task text that introduces the piece; itself for a task text
    told: Ints  #        tokens without the separator
    length: Ints
    segment: Ints


def _spread(values: Ints, item_place: Ints, head_place: Ints, opens: NDArray[np.bool_]) -> Ints:
    out = np.empty(len(item_place) + len(head_place), dtype=np.int64)
    out[item_place] = values
    out[head_place] = values[opens]
    return out
