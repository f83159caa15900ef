"""What the readers of Amazon reviews have in common: a file of reviews, and perhaps one of products."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

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


class AmazonReviews(Source):
    """One category of one release. Ratings are 1 to 5.

    Args:
        path: reviews of a category, as they were published or compressed with gzip.
        metadata_path: its products; without them no item has a title.
        latin_only: leave out titles and reviews whose letters are mostly of another script than Latin.
    """

    complete_tables = False
    first_row_wins = True
    #: Where the files come from, for messages.
    advice: str
    #: Our names of a review's fields, the three that are needed first, and theirs until 2018.
    review: Mapping[str, str] = {
        "user_id": "reviewerID",
        "item_id": "asin",
        "rating": "overall",
        "timestamp": "unixReviewTime",
        "review": "reviewText",
    }
    #: Further fields of a review, as JSON text.
    beside: Sequence[str] = ()
    #: As ``review``; the two that are needed first.
    product: Mapping[str, str]
    #: Fields that hold a product's categories; the first that is there counts.
    paths: Sequence[str] = ("categories",)
    read_products: Callable[..., Iterator[pl.DataFrame]] = staticmethod(read_json_lines)
    #: How timestamps are written.
    times: TimeRule = TimeRule()

    def __init__(self, path: str, metadata_path: str | None = None, latin_only: bool = False) -> None:
        self.path = Path(path).expanduser()
        self.metadata_path = Path(metadata_path).expanduser() if metadata_path else None
        self.latin_only = latin_only

    def identity(self) -> dict[str, object]:
        paths = self.path, self.metadata_path
        files = [path and file_hash(require_file(path, self.advice)) for path in paths]
        return {"class": type(self).__name__, "files": files, "latin_only": self.latin_only}

    def blocks(self, rejects: Rejects) -> Iterator[Block]:
        require_file(self.path, self.advice)
        if self.metadata_path:
            products = self.products(self.metadata_path, rejects)
            for items in shape_products(products, self.metadata_path, rejects, self.latin_only):
                yield Block(items=items)
        for frame in self.reviews(rejects):
            events = shape_events(frame, self.path, rejects, (1.0, 5.0), times=self.times)
            yield Block(events=events.with_columns(clean(events["review"], self.latin_only)))

    def reviews(self, rejects: Rejects) -> Iterator[pl.DataFrame]:
        """Reviews block by block, with the columns of ``shape_events``, ``review`` and those beside them."""
        names, nested = list(self.review.values()), dict.fromkeys(self.beside, pl.String())
        reviews = read_json_lines(self.path, self.advice, rejects, names, nested, names[:2])
        for frame in require_fields(reviews, self.path, names[:3], self.advice):
            yield frame.select(ROW, *self.beside, **self.review)

    def products(self, path: Path, rejects: Rejects) -> Iterator[pl.DataFrame]:
        """Products block by block, with the columns of ``shape_products``."""
        names, nested = list(self.product.values()), dict.fromkeys(self.paths, pl.String())
        products = self.read_products(path, self.advice, rejects, names, nested, names[:1])
        unknown = {} if "department" in self.product else {"department": pl.lit(None, dtype=pl.String)}
        for frame in require_fields(products, path, names[:2], self.advice):
            yield frame.select(ROW, categories=pl.coalesce(self.paths), **self.product, **unknown)
