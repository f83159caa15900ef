"""Which row of a table an item has: one at a time by a dictionary, a whole column by a join of hashes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from userip_lightning.ids import id_string

if TYPE_CHECKING:
    import polars as pl


class ItemRows:
    """The items of a table.

    Args:
        names: [I] ids, distinct, in the order of the table.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names

    def __len__(self) -> int:
        """I."""
        return len(self.names)

    def row(self, item: object) -> int | None:
        """Row of an item; None where it is not known, or its id is missing.

        Raises:
            InputError: what should be its id is none.
        """
        row = self._by_id.get(item) if isinstance(item, str) else None
        return self._by_id.get(id_string(item, "item")) if row is None else row

    def find(self, ids: pl.Series) -> NDArray[np.int64]:
        """[N] ids, null where missing → [N] rows, -1 where an item is not known.

        Joining hashes costs a third of joining strings; another id of the same hash is found out afterwards.
        """
        seed, table = self._hashed
        hashes = ids.hash(seed).alias("hash").to_frame()
        rows = hashes.join(table, on="hash", how="left", maintain_order="left")["row"]
        same = (self.ids.gather(rows) == ids).fill_null(False)
        return np.where(same.to_numpy(), rows.fill_null(-1).to_numpy(), -1)

    @cached_property
    def ids(self) -> pl.Series:
        """[I], as polars wants them."""
        import polars as pl

        return pl.Series("item_id", self.names, dtype=pl.String)

    @cached_property
    def _by_id(self) -> dict[str, int]:
        """Built when it is first asked for: whole columns do not need it."""
        return dict(zip(self.names, range(len(self)), strict=True))

    @cached_property
    def _hashed(self) -> tuple[int, pl.DataFrame]:
        """A seed under which no two items have one hash, and rows by hash."""
        import polars as pl

        rows = np.arange(len(self), dtype=np.int64)
        for seed in count():
            table = pl.DataFrame({"hash": self.ids.hash(seed), "row": rows})
            if table["hash"].n_unique() == len(self):
                return seed, table
        raise AssertionError
