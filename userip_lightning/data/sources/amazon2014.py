"""Amazon product data of 2014: reviews as JSON lines, product metadata as Python literals."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from userip_lightning.data.parsing.columns import ROW
from userip_lightning.data.parsing.fields import require_fields
from userip_lightning.data.parsing.json_lines import read_json_lines
from userip_lightning.data.parsing.literal import read_literal_lines
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.data.sources.amazon_reviews import AmazonReviews

_ADVICE = (
    "get the reviews or the metadata of one category from the Amazon product data (2014) of UC San Diego's "
    "McAuley lab and give the path of the file, .json or .json.gz"
)
_REVIEW = ("reviewerID", "asin", "overall", "unixReviewTime", "reviewText")
_PRODUCT = ("asin", "title", "brand", "price")


class Amazon2014(AmazonReviews):
    """One category. Ratings are 1 to 5; a product's columns are those of
    :mod:`userip_lightning.data.sources.amazon_products`. Without metadata no item has a title.
    """

    advice = _ADVICE

    def reviews(self, rejects: Rejects) -> Iterator[pl.DataFrame]:
        reviews = read_json_lines(self.path, _ADVICE, rejects, _REVIEW, ids=_REVIEW[:2])
        for frame in require_fields(reviews, self.path, _REVIEW[:3], _ADVICE):
            yield frame.select(
                ROW,
                user_id="reviewerID",
                item_id="asin",
                rating="overall",
                timestamp="unixReviewTime",
                review="reviewText",
            )

    def products(self, path: Path, rejects: Rejects) -> Iterator[pl.DataFrame]:
        products = read_literal_lines(
            path, _ADVICE, rejects, _PRODUCT, {"categories": pl.String()}, _PRODUCT[:1]
        )
        for frame in require_fields(products, path, _PRODUCT[:2], _ADVICE):
            department = pl.lit(None, dtype=pl.String)
            yield frame.select(
                ROW, "title", "brand", "price", "categories", item_id="asin", department=department
            )
