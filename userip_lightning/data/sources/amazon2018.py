"""Amazon review data of 2018: reviews and product metadata as JSON lines, by department or 5-core."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from userip_lightning.data.parsing.columns import ROW
from userip_lightning.data.parsing.fields import require_fields
from userip_lightning.data.parsing.json_lines import read_json_lines
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.data.sources.amazon_reviews import AmazonReviews
from userip_lightning.data.sources.source import Block
from userip_lightning.data.sources.styles import FirstStyles

_ADVICE = (
    "get the reviews or the metadata of one department from the Amazon review data (2018) of UC San Diego's "
    "McAuley lab and give the path of the file, .json or .json.gz"
)
_REVIEW = ("reviewerID", "asin", "overall", "unixReviewTime", "reviewText")
_PRODUCT = ("asin", "title", "brand", "price", "main_cat")


class Amazon2018(AmazonReviews):
    """One department. Ratings are 1 to 5; a product's columns are those of
    :mod:`userip_lightning.data.sources.amazon_products`.

    Without metadata an item has no title; its ``text`` is then the style (size, colour, scent) of its first
    review, where one is named.
    """

    advice = _ADVICE

    def blocks(self, rejects: Rejects) -> Iterator[Block]:
        styles = FirstStyles()
        for events, items, _ in super().blocks(rejects):
            if events is None:
                yield Block(items=items)
            else:
                styled = None if self.metadata_path else styles.new(events)
                yield Block(events=events.drop("style"), items=styled)

    def reviews(self, rejects: Rejects) -> Iterator[pl.DataFrame]:
        reviews = read_json_lines(self.path, _ADVICE, rejects, _REVIEW, {"style": pl.String()}, _REVIEW[:2])
        for frame in require_fields(reviews, self.path, _REVIEW[:3], _ADVICE):
            yield frame.select(
                ROW,
                "style",
                user_id="reviewerID",
                item_id="asin",
                rating="overall",
                timestamp="unixReviewTime",
                review="reviewText",
            )

    def products(self, path: Path, rejects: Rejects) -> Iterator[pl.DataFrame]:
        # Both names occur, "categories" in the files that were cleaned up later.
        nested = {"category": pl.String(), "categories": pl.String()}
        products = read_json_lines(path, _ADVICE, rejects, _PRODUCT, nested, _PRODUCT[:1])
        for frame in require_fields(products, path, _PRODUCT[:2], _ADVICE):
            yield frame.select(
                ROW,
                "title",
                "brand",
                "price",
                item_id="asin",
                department="main_cat",
                categories=pl.coalesce("category", "categories"),
            )
