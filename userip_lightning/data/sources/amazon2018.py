"""Amazon review data of 2018: reviews and product metadata as JSON lines, by department or 5-core."""

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
from userip_lightning.data.sources.amazon_products import shape_products
from userip_lightning.data.sources.source import Block, Source
from userip_lightning.data.sources.styles import FirstStyles
from userip_lightning.integrity import file_hash

_ADVICE = (
    "get the reviews or the metadata of one department from the Amazon review data (2018) of UC San Diego's "
    "McAuley lab and give the path of the file, .json or .json.gz"
)
_REVIEW = ("reviewerID", "asin", "overall", "unixReviewTime", "reviewText")
_PRODUCT = ("asin", "title", "brand", "price", "main_cat")


class Amazon2018(Source):
    """One department. Ratings are 1 to 5; a product's columns are those of
    :mod:`userip_lightning.data.sources.amazon_products`.

    Without metadata an item has no title; its ``text`` is then the style (size, colour, scent) of its first
    review, where one is named.

    Args:
        path: reviews, for instance ``All_Beauty_5.json.gz``.
        metadata_path: products, for instance ``meta_All_Beauty.json.gz``.
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
        return {"class": "Amazon2018", "files": files, "latin_only": self.latin_only}

    def blocks(self, rejects: Rejects) -> Iterator[Block]:
        require_file(self.path, _ADVICE)
        if self.metadata_path:
            products = _products(self.metadata_path, rejects)
            for items in shape_products(products, self.metadata_path, rejects, self.latin_only):
                yield Block(items=items)
        styles = FirstStyles()
        reviews = read_json_lines(self.path, _ADVICE, rejects, _REVIEW, {"style": pl.String()}, _REVIEW[:2])
        for frame in require_fields(reviews, self.path, _REVIEW[:3], _ADVICE):
            raw = frame.select(
                ROW,
                "style",
                user_id="reviewerID",
                item_id="asin",
                rating="overall",
                timestamp="unixReviewTime",
                review="reviewText",
            )
            events = shape_events(raw, self.path, rejects, (1.0, 5.0))
            styled = None if self.metadata_path else styles.new(events)
            review = clean(events["review"], self.latin_only)
            yield Block(events=events.drop("style").with_columns(review), items=styled)


def _products(path: Path, rejects: Rejects) -> Iterator[pl.DataFrame]:
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
