"""Semantic user behaviour retrieval: which behaviours a prompt shows (section 3.2).

The K behaviours with the highest cosine similarity to the target item, among those that came before the row;
of equally similar ones the latest. The search is exact: one matrix product and one sort for all rows of a
user. An approximate index would not pay, because the candidates of a row are the rows of one user: all
99,543 rows of MovieLens-100K (at most 534 behaviours each, 384 dimensions) take 0.8 s on one core, and the
language model that reads the prompts takes hours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from userip_lightning.baselines.history import Histories, Ints
from userip_lightning.lm.text_encoder import TextEncoder

Floats = NDArray[np.float32]

#: Pairs of a row and a behaviour that are compared at a time, so that a long life fits into memory.
PAIRS = 1 << 22


class Rows(NamedTuple):
    """Rows that prompts ask about, N of them."""

    row_id: Ints
    user: Ints  #                   dense index
    item: Ints  #                   dense index of the target
    time: NDArray[np.float64]  #    NaN where unknown
    label: Floats  #                0 or 1

    @staticmethod
    def of(events: pl.DataFrame) -> Rows:
        """Rows of a prepared table, in its order."""
        return Rows(
            events["row_id"].to_numpy(),
            events["user"].cast(pl.Int64).to_numpy(),
            events["item"].cast(pl.Int64).to_numpy(),
            events["timestamp"].cast(pl.Float64).fill_null(float("nan")).to_numpy(),
            events["label"].cast(pl.Float32).to_numpy(),
        )


class ItemVectors(NamedTuple):
    """What items say, as unit vectors; items of one text share one, so that they tie exactly."""

    text: Ints  #      [I] number of every item's text
    vector: Floats  #  [T, D] of every text, of length 1


def encode_items(texts: Sequence[str], encoder: TextEncoder) -> ItemVectors:
    """Vectors of items, each distinct text encoded once.

    Args:
        texts: of every item, in order of ``item``.
        encoder: of sentences.
    """
    distinct, text = np.unique(np.asarray(texts, dtype=object), return_inverse=True)
    vector = encoder.encode(distinct.tolist())
    length = np.linalg.norm(vector, axis=1, keepdims=True)
    return ItemVectors(text.astype(np.int64), vector / np.maximum(length, np.finfo(np.float32).tiny))


def retrieve(histories: Histories, vectors: ItemVectors, rows: Rows, count: int) -> Ints:
    """The behaviours most similar to each row's item among those that came before it.

    Args:
        histories: of all users.
        vectors: of all items.
        rows: N rows of whatever split.
        count: K.

    Returns:
        [N, K] places in ``histories``, the most similar first, of equals the latest; -1 where there are
        fewer.
    """
    return _choose(histories, rows, count, vectors)


def recent(histories: Histories, rows: Rows, count: int) -> Ints:
    """The latest behaviours before each row; as :func:`retrieve`, the latest first."""
    return _choose(histories, rows, count, None)


def known_before(
    histories: Histories, places: Ints, row_id: Ints, time: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """:meth:`~userip_lightning.baselines.history.Histories.before` for many rows of one user at once.

    Args:
        histories: of all users.
        places: [H] of the user.
        row_id: [R] of rows of the user.
        time: [R] of these rows.

    Returns:
        [R, H], True where the row knows the behaviour.
    """
    earlier = ~(histories.time[places] >= time[:, None])  # NaN compares as false
    known: NDArray[np.bool_] = earlier & (histories.row_id[places] != row_id[:, None])
    return known


def _choose(histories: Histories, rows: Rows, count: int, vectors: ItemVectors | None) -> Ints:
    chosen = np.full((len(rows.row_id), count), -1, dtype=np.int64)
    order = np.argsort(rows.user, kind="stable")
    users, begin = np.unique(rows.user[order], return_index=True)
    for user, own in zip(users, np.split(order, begin[1:]), strict=True):
        places = histories.of(int(user))
        if not len(places):
            continue
        size = max(1, PAIRS // len(places))
        for part in (own[first : first + size] for first in range(0, len(own), size)):
            known = known_before(histories, places, rows.row_id[part], rows.time[part])
            near = _similarity(vectors, rows.item[part], histories.item[places])
            chosen[part, : len(places)] = _best(np.where(known, near, -np.inf), places, count)
    return chosen


def _similarity(vectors: ItemVectors | None, targets: Ints, items: Ints) -> Floats:
    """[R, H] cosine similarities; zeros where time alone decides."""
    if vectors is None:
        return np.zeros((len(targets), len(items)), dtype=np.float32)
    # Products by text, not by behaviour: a kernel may round two equal columns differently.
    texts, column = np.unique(vectors.text[items], return_inverse=True)
    near: Floats = (vectors.vector[vectors.text[targets]] @ vectors.vector[texts].T)[:, column]
    return near


def _best(score: Floats, places: Ints, count: int) -> Ints:
    """[R, min(H, K)] places of the highest scores, of equals the last; -1 where a score is -inf."""
    last = score.shape[1] - 1
    best = last - np.argsort(-score[:, ::-1], axis=1, kind="stable")[:, :count]
    found: Ints = np.where(np.isneginf(np.take_along_axis(score, best, axis=1)), -1, places[best])
    return found
