"""The Yelp Open Dataset: reviews, businesses and users as JSON lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from userip_lightning.data.events import shape_events
from userip_lightning.data.item_text import with_text
from userip_lightning.data.parsing.cleaning import clean
from userip_lightning.data.parsing.columns import ROW, shape_side
from userip_lightning.data.parsing.fields import require_fields
from userip_lightning.data.parsing.json_lines import read_json_lines
from userip_lightning.data.parsing.lines import require_file
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.data.sources.source import Block, Source
from userip_lightning.integrity import file_hash

#: Yelp's own words for RestaurantsPriceRange2, from 1 to 4.
LEVELS = ("inexpensive", "moderate", "pricey", "ultra high-end")
_ADVICE = (
    "get the Yelp Open Dataset from business.yelp.com/data and give the paths of its review, business and "
    "user files, .json, packed or not"
)
_REVIEW = ("user_id", "business_id", "stars", "date", "text")
_BUSINESS = ("business_id", "name", "categories", "city")
_COLUMNS = {"business_id": "item_id", "name": "title", "categories": "category", "attributes": "price_level"}
_CATEGORIES = 3
_RANGE = r'"RestaurantsPriceRange2":[^\d,}]{0,6}([1-4])\b'


class Yelp(Source):
    """Ratings are 1 to 5; a date is read as UTC.

    Items: ``title`` (the business's name), ``category`` (its categories, as listed), ``price_level`` (one of
    :data:`LEVELS`, null where the business names none), ``city`` and ``text``, which has the first three
    categories. Users: ``since``, the year.

    Means and numbers of stars of a business or a user count reviews that a model is judged on, and names of
    users are nobody's business; neither is read.

    Args:
        path: ``yelp_academic_dataset_review.json``.
        business_path: ``yelp_academic_dataset_business.json``; without it no item has a title.
        user_path: ``yelp_academic_dataset_user.json``.
        latin_only: leave out names and reviews whose letters are mostly of another script than Latin.
    """

    complete_tables = False
    first_row_wins = True

    def __init__(
        self,
        path: str,
        business_path: str | None = None,
        user_path: str | None = None,
        latin_only: bool = False,
    ) -> None:
        self.path = Path(path).expanduser()
        self.business_path = Path(business_path).expanduser() if business_path else None
        self.user_path = Path(user_path).expanduser() if user_path else None
        self.latin_only = latin_only

    def identity(self) -> dict[str, object]:
        paths = (self.path, self.business_path, self.user_path)
        files = [path and file_hash(require_file(path, _ADVICE)) for path in paths]
        return {"class": "Yelp", "files": files, "latin_only": self.latin_only}

    def blocks(self, rejects: Rejects) -> Iterator[Block]:
        require_file(self.path, _ADVICE)
        if self.business_path:
            for items in self._businesses(self.business_path, rejects):
                yield Block(items=items)
        if self.user_path:
            for users in _users(self.user_path, rejects):
                yield Block(users=users)
        reviews = read_json_lines(self.path, _ADVICE, rejects, _REVIEW, ids=_REVIEW[:2])
        for frame in require_fields(reviews, self.path, _REVIEW[:3], _ADVICE):
            raw = frame.select(
                ROW, "user_id", item_id="business_id", rating="stars", timestamp="date", review="text"
            )
            events = shape_events(raw, self.path, rejects, (1.0, 5.0))
            yield Block(events=events.with_columns(clean(events["review"], self.latin_only)))

    def _businesses(self, path: Path, rejects: Rejects) -> Iterator[pl.DataFrame]:
        businesses = read_json_lines(
            path, _ADVICE, rejects, _BUSINESS, {"attributes": pl.String()}, _BUSINESS[:1]
        )
        for frame in require_fields(businesses, path, _BUSINESS[:2], _ADVICE):
            names = pl.col("business_id", "name", "categories", "attributes", "city")
            raw = frame.select(ROW, names).rename(_COLUMNS)
            items = shape_side(raw, "item_id", path, rejects)
            level = pl.col("price_level").str.extract(_RANGE).cast(pl.Int64)
            words = level.replace_strict([1, 2, 3, 4], LEVELS, return_dtype=pl.String)
            cleaned = [clean(items[name], self.latin_only) for name in ("title", "category", "city")]
            items = items.with_columns(*cleaned, price_level=words)
            first = pl.col("category").str.split(", ").list.head(_CATEGORIES).list.join(", ")
            yield with_text(items.with_columns(first=first), ("first", "price_level")).drop("first")


def _users(path: Path, rejects: Rejects) -> Iterator[pl.DataFrame]:
    names = ("user_id", "yelping_since")
    found = read_json_lines(path, _ADVICE, rejects, names, ids=names[:1])
    for frame in require_fields(found, path, names[:1], _ADVICE):
        since = pl.col("yelping_since").str.extract(r"^(\d{4})-")
        yield shape_side(frame.select(ROW, "user_id", since=since), "user_id", path, rejects)
