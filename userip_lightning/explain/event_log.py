"""Users, items, events and codes of an experiment, side by side."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from userip_lightning.bank import FeatureBank
from userip_lightning.catalogue.user_events import user_events
from userip_lightning.data.prepared import PreparedData
from userip_lightning.errors import InputError
from userip_lightning.explain.source import Ints, Source
from userip_lightning.explain.title_words import TitleWords, title_words
from userip_lightning.schema import TEST, VAL
from userip_lightning.texts.joined import joined_texts


class Log:
    """U users with codes, I items, E kinds of events.

    Events are the items; in explicit logs first the items disliked, then the same ones liked.

    Args:
        source: the experiment.

    Raises:
        InputError: data or codes are missing or damaged, or do not belong together.
    """

    def __init__(self, source: Source) -> None:
        prepared, self.bank = PreparedData.load(source.prepared), FeatureBank.open(source.bank)
        if prepared.data_hash != self.bank.manifest.data_hash:
            raise InputError(
                f"{source.bank}: these codes were made from other data than {source.prepared}; run "
                "`userip fit` again."
            )
        self.source = source
        self.items: pl.DataFrame = prepared.items
        self.names, self.sizes = self.bank.names, self.bank.sizes
        events, user_ids = user_events(prepared), prepared.users["user_id"]
        places = self.bank.find(user_ids.to_numpy().astype(np.str_))
        there = np.flatnonzero(places >= 0)
        self.user_ids: pl.Series = user_ids.gather(there)  # [U], who have codes
        self.codes: Ints = self.bank.codes(places[there])  # [U, P]
        self.counts: csr_matrix = events.counts[there]  # [U, E], train and support
        self.liked: csr_matrix = events.positives()[there]  # [U, I] of these
        self.explicit = events.explicit
        self.hidden: csr_matrix = _judged_events(prepared, events.explicit)[there]  # [U, E], val and test

    @property
    def n_users(self) -> int:
        """U."""
        return int(self.counts.shape[0])

    @property
    def n_items(self) -> int:
        """I."""
        return int(self.items.height)

    @cached_property
    def texts(self) -> list[str]:
        """[I], what is written of the items; "" where nothing is."""
        return joined_texts(self.items, self.source.columns, "columns")

    @cached_property
    def words(self) -> TitleWords:
        """Words of the texts of items that somebody likes."""
        return title_words(self.texts, np.unique(self.liked.indices))

    @cached_property
    def events(self) -> Ints:
        """[U], how many events a user has."""
        return np.asarray(self.counts.sum(axis=1)).ravel().astype(np.int64)

    def item_id(self, item: int) -> str:
        """The id of an item."""
        return str(self.items["item_id"][item])

    def title(self, item: int) -> str:
        """An item's title; without one what else is written of it, or its id."""
        title = self.items["title"][item] if "title" in self.items.columns else None
        return next(filter(None, (str(title or "").strip(), self.texts[item].strip())), self.item_id(item))

    def holders(self, profile: int) -> csr_matrix:
        """[U, K_p]: 1 where a user has a code."""
        cells = (np.ones(self.n_users), (np.arange(self.n_users), self.codes[:, profile]))
        return csr_matrix(cells, shape=(self.n_users, self.sizes[profile]))


def _judged_events(prepared: PreparedData, explicit: bool) -> csr_matrix:
    """[U, E]: what users did in validation and test, as ``user_events`` counts what they did before."""
    rows = prepared.rows(VAL, TEST).filter("logged")
    label = rows["label"].cast(pl.Int64).to_numpy()
    if not explicit:
        rows = rows.filter(pl.col("label") == 1)
        label = np.zeros(rows.height, dtype=np.int64)
    event = rows["item"].to_numpy().astype(np.int64) + prepared.n_items * label
    shape = (prepared.n_users, prepared.n_items * (1 + explicit))
    return csr_matrix((np.ones(rows.height), (rows["user"].to_numpy(), event)), shape=shape)
