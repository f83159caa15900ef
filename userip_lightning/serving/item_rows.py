"""Which row of a table an item has: one at a time by a dictionary, a whole column by a join of hashes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import count

import numpy as np
import polars as pl
from numpy.typing import NDArray


class ItemRows:
    """The items of a table.

    Args:
        ids: [I], distinct, in the order of the table.
    """

    def __init__(self, ids: Sequence[str]) -> None:
        self.ids = pl.Series("item_id", ids, dtype=pl.String)

    def __len__(self) -> int:
        """I."""
        return self.ids.len()

    @cached_property
    def by_id(self) -> dict[str, int]:
        """Row of an item by its id; built when it is first asked for, whole columns do not need it."""
        return dict(zip(self.ids.to_list(), range(len(self)), strict=True))

    def find(self, ids: pl.Series) -> NDArray[np.int64]:
        """[N] ids, null where missing → [N] rows, -1 where an item is not known.

        Joining hashes costs a third of joining strings; another id of the same hash is found out afterwards.
        """
        seed, table = self._hashed
        hashes = pl.DataFrame({"hash": ids.hash(seed)})
        rows = hashes.join(table, on="hash", how="left", maintain_order="left")["row"]
        same = (self.ids.gather(rows) == ids).fill_null(False)
        return np.where(same.to_numpy(), rows.fill_null(-1).to_numpy(), -1)

    @cached_property
    def _hashed(self) -> tuple[int, pl.DataFrame]:
        """A seed under which no two items have one hash, and rows by hash."""
        rows = np.arange(len(self), dtype=np.int64)
        for seed in count():
            table = pl.DataFrame({"hash": self.ids.hash(seed), "row": rows})
            if table["hash"].n_unique() == len(self):
                return seed, table
        raise AssertionError
