"""Amazon Reviews 2023: reviews and item metadata as JSON lines; an item is a ``parent_asin``."""

from __future__ import annotations

from collections.abc import Mapping

from userip_lightning.data.parsing.times import TimeRule
from userip_lightning.data.sources.amazon_reviews import AmazonReviews


class Amazon2023(AmazonReviews):
    """One category. Ratings are 1 to 5; timestamps are cut from milliseconds to seconds; the brand is the
    ``store``. An item's columns are those of :mod:`userip_lightning.data.sources.amazon_products`.

    ``average_rating`` and ``rating_number`` of an item count reviews that a model is judged on, so they are
    not read. Without metadata no item has a title.
    """

    advice = (
        "get the reviews or the item metadata of one category from the Amazon Reviews 2023 pages of UC San "
        "Diego's McAuley lab and give the path of the file, .jsonl or .jsonl.gz"
    )
    review: Mapping[str, str] = {
        "user_id": "user_id",
        "item_id": "parent_asin",
        "rating": "rating",
        "timestamp": "timestamp",
        "review": "text",
    }
    product: Mapping[str, str] = {
        "item_id": "parent_asin",
        "title": "title",
        "brand": "store",
        "price": "price",
        "department": "main_category",
    }
    times = TimeRule("ms")
