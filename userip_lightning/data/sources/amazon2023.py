"""Amazon Reviews 2023: reviews and item metadata as JSON lines; an item is a ``parent_asin``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from userip_lightning.data.parsing.columns import ROW
from userip_lightning.data.parsing.fields import require_fields
from userip_lightning.data.parsing.json_lines import read_json_lines
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.data.parsing.times import TimeRule
from userip_lightning.data.sources.amazon_reviews import AmazonReviews

_ADVICE = (
    "get the reviews or the item metadata of one category from the Amazon Reviews 2023 pages of UC San "
    "Diego's McAuley lab and give the path of the file, .jsonl or .jsonl.gz"
)
_REVIEW = ("user_id", "parent_asin", "rating", "timestamp", "text")
_PRODUCT = ("parent_asin", "title", "store", "price", "main_category")


class Amazon2023(AmazonReviews):
    """One category. Ratings are 1 to 5; timestamps are cut from milliseconds to seconds; the brand is the
    ``store``. An item's columns are those of :mod:`userip_lightning.data.sources.amazon_products`.

    ``average_rating`` and ``rating_number`` of an item count reviews that a model is judged on, so they are
    not read. Without metadata no item has a title.
    """

    advice = _ADVICE
    times = TimeRule("ms")

    def reviews(self, rejects: Rejects) -> Iterator[pl.DataFrame]:
        reviews = read_json_lines(self.path, _ADVICE, rejects, _REVIEW, ids=_REVIEW[:2])
        for frame in require_fields(reviews, self.path, _REVIEW[:3], _ADVICE):
            yield frame.select(ROW, "user_id", "rating", "timestamp", item_id="parent_asin", review="text")

    def products(self, path: Path, rejects: Rejects) -> Iterator[pl.DataFrame]:
        products = read_json_lines(
            path, _ADVICE, rejects, _PRODUCT, {"categories": pl.String()}, _PRODUCT[:1]
        )
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
