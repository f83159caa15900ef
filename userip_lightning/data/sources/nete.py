"""The datasets that came with NETE and PEPLER: Amazon Clothing and Movies, TripAdvisor, Yelp.

The paper's Clothing, Movies and Yelp are of this release. ``reviews.pickle`` is a list of dictionaries;
folders ``1`` to ``5`` hold splits as lists of places in it; ``item.json`` describes items where it is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from userip_lightning.data.events import shape_events
from userip_lightning.data.parsing.cleaning import clean
from userip_lightning.data.parsing.lines import require_file
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.data.parsing.unpickle import load_plain
from userip_lightning.data.sources.amazon_products import shape_products
from userip_lightning.data.sources.nete_records import item_frames, read_index, review_frame
from userip_lightning.data.sources.source import Block, Source
from userip_lightning.errors import InputError
from userip_lightning.integrity import file_hash
from userip_lightning.schema import TEST, TRAIN, VAL

#: Column of the events with the split of the release; :class:`userip_lightning.data.column_split.ColumnSplit`
#: reads it.
SPLIT_COLUMN = "given_split"
_ADVICE = (
    "get the datasets from the links at github.com/lileipisces/PEPLER and give the folder that holds "
    "reviews.pickle"
)
_INDEXES = {"train": TRAIN, "validation": VAL, "test": TEST}
_ROWS = 50_000
_RATINGS = (1.0, 5.0)


class Nete(Source):
    """Ratings are 1 to 5; there are no timestamps. ``review`` is the sentence that the release chose as the
    explanation of the rating, and events keep its ``feature`` (what it is about).

    The pickle is read by :func:`userip_lightning.data.parsing.unpickle.load_plain`, which runs nothing, and
    is in memory as a whole while it is read, about 1 kB per review. Item columns are those of
    :mod:`userip_lightning.data.sources.amazon_products`; where ``item.json`` is missing no item has a title.

    Args:
        path: the folder with ``reviews.pickle``.
        split: 1 to 5 reads that folder of indexes into the column :data:`SPLIT_COLUMN`; a review that is in
            none of its lists gets null there. None reads no splits.
    """

    complete_tables = False
    first_row_wins = True

    def __init__(self, path: str, split: int | None = None) -> None:
        self.path = Path(path).expanduser()
        self.split = split

    def identity(self) -> dict[str, object]:
        indexes = self._index_files().values()
        files = [file_hash(require_file(file, _ADVICE)) for file in (self._reviews, *indexes)]
        items = file_hash(self._items) if self._items.is_file() else None
        return {"class": "Nete", "files": files, "items": items}

    @property
    def _reviews(self) -> Path:
        return self.path / "reviews.pickle"

    @property
    def _items(self) -> Path:
        return self.path / "item.json"

    def _index_files(self) -> dict[str, Path]:
        if self.split is None:
            return {}
        return {part: self.path / str(self.split) / f"{name}.index" for name, part in _INDEXES.items()}

    def blocks(self, rejects: Rejects) -> Iterator[Block]:
        require_file(self._reviews, _ADVICE)
        if self._items.is_file():
            for items in shape_products(item_frames(self._items, _ADVICE, rejects), self._items, rejects):
                yield Block(items=items)
        records = load_plain(self._reviews)
        if not isinstance(records, list):
            raise InputError(f"{self._reviews}: the pickle holds no list of reviews; {_ADVICE}.")
        splits = self._given_splits(len(records))
        for start in range(0, len(records), _ROWS):
            raw = review_frame(records[start : start + _ROWS], start, self._reviews, rejects)
            events = shape_events(raw, self._reviews, rejects, _RATINGS)
            events = events.with_columns(clean(events["review"]))
            if splits is not None:
                named = splits.gather(events["row_id"])
                events = events.with_columns(named.alias(SPLIT_COLUMN))
            yield Block(events=events)

    def _given_splits(self, count: int) -> pl.Series | None:
        if self.split is None:
            return None
        codes = np.zeros(count, dtype=np.int8)
        names = [None, *self._index_files()]
        for code, file in enumerate(self._index_files().values(), start=1):
            rows = read_index(file, count, _ADVICE)
            if codes[rows].any() or np.unique(rows).size != rows.size:
                raise InputError(f"{file}: a review is listed twice in the splits; {_ADVICE}.")
            codes[rows] = code
        return pl.Series(codes).replace_strict([0, 1, 2, 3], names, return_dtype=pl.String)
