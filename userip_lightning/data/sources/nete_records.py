"""What the files of the NETE and PEPLER release hold: reviews, items and lists of places."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from userip_lightning.data.parsing.columns import ROW
from userip_lightning.data.parsing.json_lines import read_json_lines
from userip_lightning.data.parsing.lines import require_file
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.errors import InputError
from userip_lightning.ids import id_string

_REVIEW = ("user_id", "item_id", "rating", "review", "feature")
# The release does not say what an item has; these are the names that its sources use.
_ITEM = ("item", "asin", "business_id", "title", "name", "brand", "price")
_ITEM_IDS = _ITEM[:3]
_NESTED = {"categories": pl.String(), "category": pl.String()}


def review_frame(records: list[object], start: int, path: Path, rejects: Rejects) -> pl.DataFrame:
    """Reviews as columns of strings; what is no dictionary of plain fields is rejected.

    Args:
        records: ``user``, ``item``, ``rating`` and perhaps ``template``, a tuple (feature, adjective,
            sentence, sentiment).
        start: place of the first of them in the file, from 0.
        path: the file, for messages.
        rejects: takes the others.

    Returns:
        ``ROW``, ``user_id``, ``item_id``, ``rating``, ``review`` (the sentence) and ``feature``.

    Raises:
        InputError: more bad records than allowed.
    """
    rows, values = [], []
    for row, record in enumerate(records, start):
        fields = _fields(record)
        if fields is None:
            rejects.add(path, row, "is no review with user, item, rating and template", _excerpt(record))
        else:
            rows.append(row)
            values.append(fields)
    frame = pl.DataFrame(values, schema=dict.fromkeys(_REVIEW, pl.String()), orient="row")
    return frame.insert_column(0, pl.Series(ROW, rows, dtype=pl.Int64))


def read_index(path: Path, count: int, advice: str) -> NDArray[np.int64]:
    """Places of reviews, counted from 0 and separated by blanks.

    Args:
        path: the file.
        count: how many reviews there are.
        advice: what to do where it is missing or damaged, as the end of a sentence.

    Raises:
        InputError: the file is missing, or something in it is no place of a review.
    """
    try:
        words = require_file(path, advice).read_bytes().split()
        rows = np.array([int(word) for word in words], dtype=np.int64)
    except (ValueError, OverflowError):
        raise InputError(f"{path}: something in it is no whole number; {advice}.") from None
    bad = (rows < 0) | (rows >= count)
    if bad.any():
        raise InputError(
            f"{path}: there is no review {rows[bad][0]}, the pickle holds {count}, counted from 0; {advice}."
        )
    return rows


def item_frames(path: Path, advice: str, rejects: Rejects) -> Iterator[pl.DataFrame]:
    """``item.json``, one JSON list of objects or JSON lines, as columns for
    :func:`userip_lightning.data.sources.amazon_products.shape_products`.

    Raises:
        InputError: the file is damaged; more bad items than allowed.
    """
    for frame in read_json_lines(path, advice, rejects, _ITEM, _NESTED, _ITEM_IDS):
        categories = pl.coalesce("categories", "category")
        yield frame.select(
            ROW,
            "brand",
            "price",
            item_id=pl.coalesce("item", "asin", "business_id"),
            title=pl.coalesce("title", "name"),
            categories=categories,
            department=pl.when(~categories.str.starts_with("[")).then(categories),
        )


def _fields(record: object) -> list[str | None] | None:
    """Values of :data:`_REVIEW` as text, or None."""
    if not isinstance(record, dict):
        return None
    template = record.get("template")
    if template is not None and not (isinstance(template, tuple | list) and len(template) >= 3):
        return None
    feature, sentence = (template[0], template[2]) if template else (None, None)
    ids, others = [record.get("user"), record.get("item")], [record.get("rating"), sentence, feature]
    if not all(map(_is_plain, ids + others)):
        return None
    try:
        named = [id_string(_text(value) if isinstance(value, str) else value, "user, item") for value in ids]
    except InputError:
        return None
    return [*named, *map(_text, others)]


def _is_plain(value: object) -> bool:
    # Python refuses to write integers of more than some 4,300 digits.
    return value is None or isinstance(value, str | float) or (type(value) is int and abs(value) < 1 << 64)


def _text(value: str | float | None) -> str | None:
    # A lone surrogate is text to Python and to nobody else.
    return None if value is None or value != value else str(value).encode("utf-8", "replace").decode()


def _excerpt(record: object) -> str:
    """What to list of a rejected record; never all of it, which may be deep."""
    names = [name for name in record if isinstance(name, str)][:8] if isinstance(record, dict) else []
    return f"{type(record).__name__} {', '.join(name[:20] for name in names)}".strip()
