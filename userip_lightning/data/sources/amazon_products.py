"""Product metadata of Amazon, the same columns whatever its year.

``brand`` as given. ``category``: the second and third level of the product's first path; the first level is
the department, alike for all, and what lies deeper is in the files of 2018 often a detail such as "100%
Cotton". ``price_level``: terciles of the prices in the file. Where the price is a range its lower end counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from userip_lightning import parquet
from userip_lightning.data.item_text import price_levels, with_text
from userip_lightning.data.parsing.cleaning import clean
from userip_lightning.data.parsing.columns import shape_side
from userip_lightning.data.parsing.rejects import Rejects

#: Columns that :func:`shape_products` yields, after ``item_id``.
PRODUCT_COLUMNS = ("title", "brand", "category", "price_level", "text")
_PRICE = r"^\s*(?:[Ff]rom\s*)?[$£€]?\s*(\d[\d,]{0,11}(?:\.\d{1,6})?)"
# Pages that were saved before they had loaded: the title is a script, the brand a placeholder.
_NO_TITLE = r"getTime\(\)|^\s*var\s"
_NO_BRAND = ("unknown", "none", "n/a", "null")
_LONGEST_BRAND = 100


def shape_products(
    frames: Iterable[pl.DataFrame], path: Path, rejects: Rejects, latin_only: bool = False
) -> Iterator[pl.DataFrame]:
    """Item tables with text, block by block.

    Price levels need every price first, so the shaped blocks wait on disk until all are read.

    Args:
        frames: ``ROW``, ``item_id``, ``title``, ``brand``, ``price`` and ``department`` as strings, and
            ``categories`` as JSON text.
        path: the file, for messages.
        rejects: takes products without an id.
        latin_only: leave out text in other scripts.

    Yields:
        ``item_id`` and :data:`PRODUCT_COLUMNS`.

    Raises:
        InputError: more bad rows than allowed.
    """
    with TemporaryDirectory() as folder:
        parts, known = [], [pl.Series("price", [], dtype=pl.Float64)]
        for number, frame in enumerate(frames):
            part = Path(folder) / f"{number:05d}.parquet"
            shaped = _shape(shape_side(frame, "item_id", path, rejects), latin_only)
            shaped.write_parquet(part)
            parts.append(part)
            known.append(shaped["price"].drop_nulls())
        prices = pl.concat(known)
        for part in parts:
            items = parquet.read(part)
            items = items.with_columns(price_levels(items["price"], prices))
            yield with_text(items, ("brand", "category", "price_level")).select("item_id", *PRODUCT_COLUMNS)


def _shape(items: pl.DataFrame, latin_only: bool) -> pl.DataFrame:
    title = pl.when(~pl.col("title").str.contains(_NO_TITLE)).then("title")
    items = items.with_columns(title, category=_category(items["categories"], items["department"]))
    items = items.with_columns(
        [clean(items[name], latin_only) for name in ("title", "brand", "category")],
        price=pl.col("price").str.extract(_PRICE).str.replace_all(",", "").cast(pl.Float64, strict=False),
    )
    good = ~pl.col("brand").str.to_lowercase().is_in(_NO_BRAND)
    return items.select(
        "item_id",
        "title",
        pl.when(good & (pl.col("brand").str.len_chars() <= _LONGEST_BRAND)).then("brand"),
        "category",
        pl.when(pl.col("price") > 0).then("price"),
    )


def _category(categories: pl.Series, department: pl.Series) -> pl.Series:
    """The telling levels of every product; few paths differ, so each is looked at once."""
    paths = categories.unique().drop_nulls()
    told = pl.Series([_levels(path) for path in paths], dtype=pl.String)
    named = categories.replace_strict(paths, told, default=None, return_dtype=pl.String)
    return named.zip_with(named.is_not_null(), department).alias("category")


def _levels(text: str) -> str | None:
    try:
        value: Any = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None
    while isinstance(value, list) and value and isinstance(value[0], list):
        value = value[0]
    levels = [level for level in value if isinstance(level, str)] if isinstance(value, list) else []
    return ", ".join(levels[1:3] or levels) or None
