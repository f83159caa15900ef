"""What the readers of Amazon reviews have in common: a file of reviews, and perhaps one of products."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from userip_lightning.data.events import shape_events
from userip_lightning.data.parsing.cleaning import clean
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

    @abstractmethod
    def reviews(self, rejects: Rejects) -> Iterator[pl.DataFrame]:
        """Reviews block by block, with the columns of ``shape_events`` and ``review``."""

    @abstractmethod
    def products(self, path: Path, rejects: Rejects) -> Iterator[pl.DataFrame]:
        """Products block by block, with the columns of ``shape_products``."""
