"""Rows of PEPLER: who, what, whether clicked, and for some of them the text that explains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from userip_lightning.seeds import place_generator

Ints = NDArray[np.int64]

#: Fills texts up; no loss counts it (the convention of Hugging Face's ``labels``).
IGNORED = -100
#: Texts that the language model judges or writes at a time.
JUDGED_TEXTS = 64
#: Rows without a text that are scored at a time.
JUDGED_ROWS = 8192


class PEPLERBatch(NamedTuple):
    """N rows, K of them with a text."""

    user: Tensor  #   [N] int64, 0 for a user without a TRAIN row
    item: Tensor  #   [N] int64, 0 for an item without a TRAIN row
    label: Tensor  #  [N] float32, 0 or 1
    row_id: Tensor  # [N] int64
    told: Tensor  #   [K] int64, places of the rows whose text is in ``text``
    text: Tensor  #   [K, T] int64, token ids with the end of text, filled up with IGNORED


class Rows(NamedTuple):
    """All rows of some splits, in order of row id."""

    user: Ints  #                    [N]
    item: Ints  #                    [N]
    label: NDArray[np.float32]  #    [N]
    row_id: Ints  #                  [N]
    text: Ints  #                    [N] row of ``ids``, -1 for a row without a text
    ids: NDArray[np.int32]  #        [M, T] texts, each with its end, filled up with IGNORED

    def take(self, places: Ints) -> Rows:
        """Some of the rows, with all texts."""
        return Rows(
            self.user[places],
            self.item[places],
            self.label[places],
            self.row_id[places],
            self.text[places],
            self.ids,
        )

    def batch(self, places: Ints, told: int) -> PEPLERBatch:
        """Rows as tensors, with the texts of the first ``told`` of them, as far as they have one."""
        text = self.text[places[:told]]
        tellers = np.flatnonzero(text >= 0)
        ids = self.ids[text[tellers]]
        longest = int((ids != IGNORED).sum(axis=1).max(initial=0))
        return PEPLERBatch(
            torch.from_numpy(self.user[places]),
            torch.from_numpy(self.item[places]),
            torch.from_numpy(self.label[places]),
            torch.from_numpy(self.row_id[places]),
            torch.from_numpy(tellers),
            torch.from_numpy(ids[:, :longest].astype(np.int64)),
        )


class TrainBatches:
    """All rows, in an order that is a function of (seed, epoch) alone.

    Args:
        rows: N of them.
        batch_size: rows per step.
        text_share: share of a batch whose texts are in it; the order being random, the first ones.
        seed: of the order.
    """

    def __init__(self, rows: Rows, batch_size: int, text_share: float, seed: int) -> None:
        self.rows = rows
        self.batch_size = batch_size
        self.text_share = text_share
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next pass."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Number of batches."""
        return -(-len(self.rows.row_id) // self.batch_size)

    def __iter__(self) -> Iterator[PEPLERBatch]:
        order = place_generator(self.seed, self.epoch).permutation(len(self.rows.row_id))
        for first in range(0, len(order), self.batch_size):
            places = order[first : first + self.batch_size]
            yield self.rows.batch(places, int(np.ceil(self.text_share * len(places))))


class JudgedBatches:
    """All rows once; those whose text is judged come first, in small batches.

    Args:
        rows: N of them.
        told: places of the rows whose text is judged.
    """

    def __init__(self, rows: Rows, told: Ints) -> None:
        silent = np.setdiff1d(np.arange(len(rows.row_id)), told)
        self.rows = rows
        self._batches = [
            *((part, len(part)) for part in _parts(told, JUDGED_TEXTS)),
            *((part, 0) for part in _parts(silent, JUDGED_ROWS)),
        ]

    def __len__(self) -> int:
        """Number of batches."""
        return len(self._batches)

    def __iter__(self) -> Iterator[PEPLERBatch]:
        for places, told in self._batches:
            yield self.rows.batch(places, told)


def _parts(places: Ints, size: int) -> list[Ints]:
    return [places[first : first + size] for first in range(0, len(places), size)]
