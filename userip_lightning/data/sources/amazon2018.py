"""Amazon review data of 2018: reviews and product metadata as JSON lines, by department or 5-core."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.data.sources.amazon_reviews import AmazonReviews
from userip_lightning.data.sources.source import Block
from userip_lightning.data.sources.styles import FirstStyles


class Amazon2018(AmazonReviews):
    """One department. Ratings are 1 to 5; a product's columns are those of
    :mod:`userip_lightning.data.sources.amazon_products`.

    Without metadata an item has no title; its ``text`` is then the style (size, colour, scent) of its first
    review, where one is named.
    """

    advice = (
        "get the reviews or the metadata of one department from the Amazon review data (2018) of UC San "
        "Diego's McAuley lab and give the path of the file, .json or .json.gz"
    )
    beside = ("style",)
    product: Mapping[str, str] = {
        "item_id": "asin",
        "title": "title",
        "brand": "brand",
        "price": "price",
        "department": "main_cat",
    }
    paths = ("category", "categories")  # the second in the files that were cleaned up later

    def blocks(self, rejects: Rejects) -> Iterator[Block]:
        styles = FirstStyles()
        for events, items, _ in super().blocks(rejects):
            if events is None:
                yield Block(items=items)
            else:
                styled = None if self.metadata_path else styles.new(events)
                yield Block(events=events.drop("style"), items=styled)
