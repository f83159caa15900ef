"""Amazon Reviews 2023: reviews and item metadata as JSON lines; an item is a ``parent_asin``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from userip_lightning.data.events import shape_events
from userip_lightning.data.parsing.cleaning import clean
from userip_lightning.data.parsing.columns import ROW
from userip_lightning.data.parsing.fields import require_fields
from userip_lightning.data.parsing.json_lines import read_json_lines
from userip_lightning.data.parsing.lines import require_file
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.data.parsing.times import TimeRule
from userip_lightning.data.sources.amazon_products import shape_products
from userip_lightning.data.sources.source import Block, Source
from userip_lightning.integrity import file_hash

_ADVICE = (
    "get the reviews or the item metadata of one category from the Amazon Reviews 2023 pages of UC San "
    "Diego's McAuley lab and give the path of the file, .jsonl or .jsonl.gz"
)
_REVIEW = ("user_id", "parent_asin", "rating", "timestamp", "text")
_PRODUCT = ("parent_asin", "title", "store", "price", "main_category")


class Amazon2023(Source):
    """One category. Ratings are 1 to 5; timestamps are cut from milliseconds to seconds; the brand is the
    ``store``. An item's columns are those of :mod:`userip_lightning.data.sources.amazon_products`.

    ``average_rating`` and ``rating_number`` of an item count reviews that a model is judged on, so they are
    not read. Without metadata no item has a title.

    Args:
        path: reviews, for instance ``All_Beauty.jsonl.gz``.
        metadata_path: items, for instance ``meta_All_Beauty.jsonl.gz``.
        latin_only: leave out titles and reviews whose letters are mostly of another script than Latin.
    """

    complete_tables = False
    first_row_wins = True

    def __init__(self, path: str, metadata_path: str | None = None, latin_only: bool = False) -> None:
        self.path = Path(path).expanduser()
        self.metadata_path = Path(metadata_path).expanduser() if metadata_path else None
        self.latin_only = latin_only

    @property
    def origin(self) -> str:
        return str(self.path)

    def identity(self) -> dict[str, Any]:
        files = [path and file_hash(require_file(path, _ADVICE)) for path in (self.path, self.metadata_path)]
        return {"class": "Amazon2023", "files": files, "latin_only": self.latin_only}

    def blocks(self, rejects: Rejects) -> Iterator[Block]:
        require_file(self.path, _ADVICE)
        if self.metadata_path:
            products = _products(self.metadata_path, rejects)
            for items in shape_products(products, self.metadata_path, rejects, self.latin_only):
                yield Block(items=items)
        reviews = read_json_lines(self.path, _ADVICE, rejects, _REVIEW, ids=_REVIEW[:2])
        for frame in require_fields(reviews, self.path, _REVIEW[:3], _ADVICE):
            raw = frame.select(ROW, "user_id", "rating", "timestamp", item_id="parent_asin", review="text")
            events = shape_events(raw, self.path, rejects, (1.0, 5.0), times=TimeRule("ms"))
            yield Block(events=events.with_columns(clean(events["review"], self.latin_only)))


def _products(path: Path, rejects: Rejects) -> Iterator[pl.DataFrame]:
    products = read_json_lines(path, _ADVICE, rejects, _PRODUCT, {"categories": pl.String()}, _PRODUCT[:1])
    for frame in require_fields(products, path, _PRODUCT[:2], _ADVICE):
        yield frame.select(
            ROW,
            "title",
            "price",
            "categories",
            item_id="parent_asin",
            brand="store",
            department="main_category",
        )
