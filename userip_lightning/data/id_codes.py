"""Integer codes for ids, a block at a time: what stays in memory of a column of strings."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray


class IdCodes:
    """Numbers the different values of a column in the order of their first appearance.

    Polars' own dictionary encoding does it; the codes of a dictionary live as long as one of its columns
    does, so the last one is held.
    """

    def __init__(self) -> None:
        self._dtype = pl.Categorical(pl.Categories.random())
        self._last = pl.Series(dtype=self._dtype)
        self._names: list[pl.Series] = []
        self._codes: list[NDArray[np.int32]] = []
        self.size = 0

    def add(self, ids: pl.Series) -> None:
        """Encode the next block; no value is null."""
        coded = ids.cast(self._dtype)
        self._last = coded
        codes = coded.to_physical()
        self._codes.append(codes.to_numpy().astype(np.int32))
        new = pl.DataFrame({"code": codes, "name": ids}).filter(pl.col("code") >= self.size)
        new = new.unique("code").sort("code")
        if new.height:
            self._names.append(new["name"].rechunk())
            self.size += new.height

    def finish(self) -> tuple[NDArray[np.int32], pl.Series]:
        """Codes of all rows, renumbered in the order of the ids, and the ids in that order."""
        empty = pl.Series("name", dtype=pl.String)
        names = pl.concat([empty, *self._names])
        order = names.arg_sort().to_numpy()
        rank = np.empty(order.size, dtype=np.int32)
        rank[order] = np.arange(order.size, dtype=np.int32)
        codes = np.concatenate([np.empty(0, np.int32), *(rank[part] for part in self._codes)])
        return codes, names.gather(order)
