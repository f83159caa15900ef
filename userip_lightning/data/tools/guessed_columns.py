"""Which column of somebody's log is the user, the item, the rating, the time: by names, then by values.

Guesses for `userip data sniff`, each with what speaks for it; a reader never acts on them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import product
from typing import NamedTuple

import polars as pl

from userip_lightning.data.parsing.sniff import is_date, is_number

#: Our name to what others call it, letters and digits alone.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "user_id": (
        *(
            "userid",
            "user",
            "uid",
            "customerid",
            "customer",
            "clientid",
            "client",
            "memberid",
            "member",
            "personid",
        ),
        *(
            "person",
            "reviewerid",
            "reviewer",
            "visitorid",
            "visitor",
            "accountid",
            "account",
            "username",
            "useridx",
        ),
    ),
    "item_id": (
        *(
            "itemid",
            "item",
            "iid",
            "parentasin",
            "asin",
            "productid",
            "product",
            "movieid",
            "movie",
            "bookid",
            "book",
        ),
        *(
            "isbn",
            "articleid",
            "article",
            "sku",
            "businessid",
            "business",
            "thingid",
            "thing",
            "trackid",
            "track",
        ),
        *("songid", "song", "gameid", "game", "adid", "newsid", "videoid", "video", "itemidx", "listingid"),
    ),
    "rating": ("rating", "ratings", "stars", "star", "score", "overall", "rate", "reviewscore", "bookrating"),
    "timestamp": (
        *(
            "timestamp",
            "time",
            "unixreviewtime",
            "ts",
            "datetime",
            "date",
            "createdat",
            "created",
            "when",
            "eventtime",
        ),
        *("reviewtime", "reviewedat", "unixtime", "epoch", "ratedat", "purchasedat"),
    ),
    "label": (
        "label",
        "click",
        "clicked",
        "isclick",
        "liked",
        "like",
        "islike",
        "purchased",
        "bought",
        "target",
    ),
    "review": ("review", "reviewtext", "text", "comment", "reviewbody"),
    "title": ("title", "itemtitle", "producttitle", "movietitle", "itemname", "productname", "name"),
}
_TRUTH = {"0", "1", "true", "false", "0.0", "1.0"}
_MANY_RATINGS = 21
# Of two orders that both fit, the more usual one comes first.
_DATES = (
    *("%d.%m.%Y", "%m.%d.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%Y%m%d", "%b %d, %Y", "%d %b %Y"),
)
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")


class Guess(NamedTuple):
    """One of our columns.

    Args:
        theirs: the file's name for it.
        why: what speaks for it.
        sure: whether its name says so.
    """

    theirs: str
    why: str
    sure: bool


def guess_columns(frame: pl.DataFrame, nested: Collection[str] = ()) -> dict[str, Guess]:
    """Our name to the column that seems to be it.

    Args:
        frame: the first rows, every column as strings, null where empty.
        nested: further columns, which hold no single values: none of them is guessed, but where the name of
            one says that it is the user or the item, no other column is taken for its place.
    """
    found, elsewhere = by_name(frame.columns), by_name([*nested])
    for ours, test, why in (
        ("timestamp", _is_time, "its values are dates, or seconds since 1970"),
        ("rating", _is_rating, "its values are few small numbers"),
    ):
        free = [name for name in frame.columns if name not in {guess.theirs for guess in found.values()}]
        match = next((name for name in free if test(_values(frame, name))), None)
        if ours not in found and match is not None:
            found[ours] = Guess(match, why, False)
    for ours, which in (("user_id", "first"), ("item_id", "next")):
        free = [name for name in frame.columns if name not in {guess.theirs for guess in found.values()}]
        match = next((name for name in free if _values(frame, name)), None)
        if ours not in {*found, *elsewhere} and match is not None:
            found[ours] = Guess(match, f"it is the {which} column that is nothing else", False)
    if "label" in found and not set(map(str.lower, _values(frame, found["label"].theirs))) <= _TRUTH:
        del found["label"]
    return {ours: found[ours] for ours in _NAMES if ours in found}


def time_unit(values: Sequence[str]) -> str | None:
    """``s``, ``ms``, ``us`` or ``ns`` by the size of numbers since 1970; None where these are none."""
    numbers = sorted(float(value.replace(",", ".")) for value in values if is_number(value))
    if not numbers or len(numbers) < len(values):
        return None
    middle = numbers[len(numbers) // 2]
    for unit, size in (("s", 1.0), ("ms", 1e3), ("us", 1e6), ("ns", 1e9)):
        if 1e8 * size <= middle < 4.2e9 * size:
            return unit
    return None


def time_formats(values: Sequence[str]) -> list[str]:
    """Formats, as in ``datetime.strptime``, that fit all values: two where day and month may be swapped."""
    formats = [date + time for date, time in product(_DATES, _TIMES)]
    return [format for format in formats if values and all(_fits(value, format) for value in values)]


def _fits(value: str, format: str) -> bool:
    try:
        datetime.strptime(value, format)
    except ValueError:
        return False
    return True


def by_name(names: Sequence[str]) -> dict[str, Guess]:
    """Our name to the first of ``names`` that others give it."""
    found: dict[str, Guess] = {}
    for ours, theirs in _NAMES.items():
        plain = {re.sub(r"[^a-z0-9]", "", name.split(":")[0].lower()): name for name in reversed(names)}
        match = next((plain[name] for name in theirs if name in plain), None)
        if match is not None and match not in {guess.theirs for guess in found.values()}:
            found[ours] = Guess(match, "its name", True)
    return found


def _values(frame: pl.DataFrame, name: str) -> list[str]:
    return [value for value in frame[name].drop_nulls().str.strip_chars().to_list() if value]


def _is_time(values: list[str]) -> bool:
    if not values:
        return False
    if all(map(is_number, values)):  # of eight digits it may as well be an id
        return time_unit(values) is not None
    return all(map(is_date, values)) or bool(time_formats(values))


def _is_rating(values: list[str]) -> bool:
    if not values or not all(map(is_number, values)) or len(set(values)) > _MANY_RATINGS:
        return False
    numbers = [float(value.replace(",", ".")) for value in values]
    return min(numbers) >= 0 and max(numbers) <= 10 and len(set(values)) < len(values)
