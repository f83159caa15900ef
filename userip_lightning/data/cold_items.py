"""A split whose judged items no training event has met."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from userip_lightning.data.splits import Split
from userip_lightning.errors import InputError
from userip_lightning.schema import SUPPORT, TEST, TRAIN, VAL


@dataclass(frozen=True)
class ColdItems(Split):
    """Some items are absent from training: events on them judge, events on the others train.

    Cold items are drawn from all items alike. Their events are validation for one half of the users that
    have any and test for the other half, so no user is in both. Left out are users without an event on a
    warm item, of whom stage 1 could know nothing (``assign`` sets their events apart as support, so that no
    negative is drawn by them), and sampled negatives that are cold in train or warm where judged;
    ``popularity: matched`` draws hardly any of those, ``uniform`` many.

    Args:
        fraction: cold share of all items.
    """

    fraction: float = 0.5

    def assign(self, events: pl.DataFrame, seed: int) -> pl.Series:
        rng = np.random.default_rng(seed)
        item, user = events["item"].to_numpy(), events["user"].to_numpy()
        items = np.unique(item)
        wanted = round(self.fraction * items.size)
        if not 0 < wanted < items.size:
            raise InputError(
                f"ColdItems: fraction {self.fraction} makes {wanted} of {items.size} items cold; there must "
                "be cold and warm ones, so give a fraction between 0 and 1."
            )
        cold = np.isin(item, rng.permutation(items)[:wanted])
        able = np.intersect1d(user[cold], user[~cold])
        if able.size < 2:
            raise InputError(
                f"ColdItems: users with events on both cold and warm items: {able.size}, at least 2 are "
                "needed, for validation and test; change fraction or the seed, or give more data."
            )
        part = np.full(user.max() + 1, 3)  # of a user's cold events: 1 val, 2 test, 3 left out later
        part[rng.permutation(able)] = np.arange(able.size) % 2 + 1
        return pl.Series("split", [TRAIN, VAL, TEST, SUPPORT]).gather(np.where(cold, part[user], 0))

    def kept(self, events: pl.DataFrame, seed: int) -> NDArray[np.bool_]:
        train = (events["split"] == TRAIN).to_numpy()
        logged = events["logged"].to_numpy()
        item, user = events["item"].to_numpy(), events["user"].to_numpy()
        warm = np.isin(item, item[train & logged])
        known = np.isin(user, user[train & logged])
        kept: NDArray[np.bool_] = known & (warm == train)
        return kept
