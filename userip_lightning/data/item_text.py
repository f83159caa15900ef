"""What a prompt may say of an item, in one column, with a rule for what is missing.

The paper takes the hobby from brand, film or category and the background from the consumption level of the
items (section 3.1), so ``text`` is

    Title (brand, category, price level)

A part that is not known is left out, with its comma; without any part there are no brackets; without a title
the parts stand alone; without either the text is null, and the item tells the language model nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

#: Words for the terciles of a shop's prices.
PRICE_LEVELS = ("budget", "standard", "premium")


def with_text(items: pl.DataFrame, parts: Sequence[str]) -> pl.DataFrame:
    """``items`` with a column ``text``.

    Args:
        items: with ``title`` and ``parts``, Strings.
        parts: columns for the brackets, in order.
    """
    known = pl.concat_str(*parts, separator=", ", ignore_nulls=True)
    known = pl.when(known != "").then(known)
    bracketed = pl.concat_str("title", pl.format(" ({})", known))
    return items.with_columns(text=pl.coalesce(bracketed, "title", known))


def words(items: pl.DataFrame) -> list[str]:
    """What a bag of words reads of every item: ``text`` where there is one, else all that is written of it.

    Args:
        items: ``item_id``, ``title`` and further attributes, of which Strings are read.
    """
    if "text" in items.columns:
        return items["text"].fill_null("").to_list()
    columns = [name for name, dtype in items.schema.items() if dtype == pl.String and name != "item_id"]
    return items.select(pl.concat_str(columns, separator=" ", ignore_nulls=True)).to_series().to_list()


def tell_apart(texts: Sequence[str]) -> bool:
    """Whether there are two different texts, blank ones aside; else they say nothing of any item."""
    return len({text.strip() for text in texts} - {""}) > 1


def price_levels(prices: pl.Series, known: pl.Series) -> pl.Series:
    """One of :data:`PRICE_LEVELS` per item, by the terciles of the known prices.

    Args:
        prices: Float64, null where unknown.
        known: all known prices of the shop.

    Returns:
        Strings; null where the price is unknown.
    """
    if known.is_empty():
        return pl.Series("price_level", [None] * prices.len(), dtype=pl.String)
    low, high = (float(known.quantile(q, "lower") or 0.0) for q in (1 / 3, 2 / 3))
    price = pl.col("price")
    level = pl.when(price <= low).then(0).when(price <= high).then(1).when(price.is_not_null()).then(2)
    words = level.replace_strict([0, 1, 2], list(PRICE_LEVELS), return_dtype=pl.String)
    return pl.DataFrame({"price": prices}).select(price_level=words).to_series()
