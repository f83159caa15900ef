"""Users with what they liked, and the words of titles new to them that they liked later."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from userip_lightning.data.prepared import PreparedData
from userip_lightning.errors import InputError
from userip_lightning.profile.prompt_bodies import Ints
from userip_lightning.schema import SUPPORT, TEST, TRAIN, VAL

_WORD = re.compile(r"[^\W\d_]{3,}")
_LIKED = (pl.col("label") == 1) & pl.col("logged")


class Histories(NamedTuple):
    """Users who liked something in train or support rows, and later something new to them with words.

    Args:
        users: [U] rows of the users' table, sorted.
        user_ids: theirs.
        liked: [U, I] how often they liked an item in train and support rows.
        met: [U, I] how often they met an item there, liked or not.
        held_out: [U, I] how often they liked an item in validation and test rows that they had not met
            before.
        titles: of every item.
        words: of every item's title.
    """

    users: Ints
    user_ids: list[str]
    liked: csr_matrix
    met: csr_matrix
    held_out: csr_matrix
    titles: list[str]
    words: list[frozenset[str]]

    @property
    def vocabulary(self) -> frozenset[str]:
        """Every word of a title."""
        return frozenset[str]().union(*self.words)

    def later(self, user: int) -> list[str]:
        """Titles new to a user that they liked in held-out rows."""
        return [self.titles[item] for item in self.held_out[[user]].indices]


def title_words(title: str) -> frozenset[str]:
    """Words of three letters or more, case-folded, without English stop words."""
    return frozenset(word for word in _WORD.findall(title.casefold()) if word not in ENGLISH_STOP_WORDS)


def histories(data: PreparedData, most: int = 500, seed: int = 0) -> Histories:
    """Read them.

    Args:
        data: prepared.
        most: users; if there are more, so many are drawn.
        seed: of the draw.

    Raises:
        InputError: fewer than three users, and nobody could be told from others.
    """
    titles = data.items["title"].fill_null("").to_list()
    words = [title_words(title) for title in titles]
    met = data.rows(TRAIN, SUPPORT).filter("logged").select("user", "item")
    later = _liked(data, VAL, TEST).join(met, on=["user", "item"], how="anti")
    known = {item for item, own in enumerate(words) if own}
    told = later.filter(pl.col("item").is_in(known)) if known else later.head(0)
    before = _liked(data, TRAIN, SUPPORT)
    users = np.intersect1d(told["user"].unique().to_numpy(), before["user"].unique().to_numpy())
    if len(users) < 3:
        raise InputError(
            f"{data.path}: {len(users)} users liked something in training, and in held-out rows something "
            "new to them whose title has words; at least 3 are needed; keep more events, or choose "
            "another split."
        )
    if len(users) > most:
        users = np.sort(np.random.default_rng(seed).choice(users, most, replace=False))
    return Histories(
        users.astype(np.int64),
        data.users["user_id"].gather(users).to_list(),
        _matrix(before, users, data.n_items),
        _matrix(met, users, data.n_items),
        _matrix(later, users, data.n_items),
        titles,
        words,
    )


def _liked(data: PreparedData, *splits: str) -> pl.DataFrame:
    return data.rows(*splits).filter(_LIKED).select("user", "item")


def liked_items(data: PreparedData) -> csr_matrix:
    """[U, I] how often everybody liked an item in train and support rows."""
    return _matrix(_liked(data, TRAIN, SUPPORT), np.arange(data.n_users), data.n_items)


def _matrix(events: pl.DataFrame, users: Ints, items: int) -> csr_matrix:
    """[B, I] how often these users, sorted rows of the users' table, have an item in these events."""
    rows = events.filter(pl.col("user").is_in(users.tolist()))
    place = np.searchsorted(users, rows["user"].to_numpy())
    shape = (len(users), items)
    return csr_matrix((np.ones(rows.height), (place, rows["item"].to_numpy())), shape=shape)


def word_counts(words: Sequence[frozenset[str]]) -> tuple[csr_matrix, list[str]]:
    """[I, W] which words an item's title has, and the W words in order."""
    vocabulary = sorted(frozenset[str]().union(*words))
    place = {word: number for number, word in enumerate(vocabulary)}
    pairs = [(item, place[word]) for item, own in enumerate(words) for word in sorted(own)]
    rows, columns = zip(*pairs, strict=True) if pairs else ((), ())
    return csr_matrix(
        (np.ones(len(pairs)), (rows, columns)), shape=(len(words), len(vocabulary)), dtype=np.float64
    ), vocabulary
