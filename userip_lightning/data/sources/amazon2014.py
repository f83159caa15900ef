"""Amazon product data of 2014: reviews as JSON lines, product metadata as Python literals."""

from __future__ import annotations

from collections.abc import Mapping

from userip_lightning.data.parsing.literal import read_literal_lines
from userip_lightning.data.sources.amazon_reviews import AmazonReviews


class Amazon2014(AmazonReviews):
    """One category. Ratings are 1 to 5; a product's columns are those of
    :mod:`userip_lightning.data.sources.amazon_products`. Without metadata no item has a title.
    """

    advice = (
        "get the reviews or the metadata of one category from the Amazon product data (2014) of UC San "
        "Diego's McAuley lab and give the path of the file, .json or .json.gz"
    )
    product: Mapping[str, str] = {"item_id": "asin", "title": "title", "brand": "brand", "price": "price"}
    read_products = staticmethod(read_literal_lines)
