"""An item's text: what is written of it in some columns."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from userip_lightning.errors import InputError


def joined_texts(items: pl.DataFrame, columns: Sequence[str] | None, setting: str) -> list[str]:
    """A text per item: its cells in ``columns``, with commas between them; "" where all are missing.

    Args:
        items: a row each.
        columns: at least one, in order; the title alone where None.
        setting: the key that names them, for messages.

    Raises:
        InputError: no columns, or one that the items do not have.
    """
    columns = ["title"] if columns is None else columns
    there = ", ".join(name for name in items.columns if name != "item")
    if not columns:
        raise InputError(f"{setting}: no columns given, at least one is needed; there are {there}.")
    missing = [name for name in columns if name not in items.columns]
    if missing:
        raise InputError(f"{setting}: the items have no column {missing[0]!r}; there are {there}.")
    joined = pl.concat_str(*columns, separator=", ", ignore_nulls=True).fill_null("")
    return items.select(text=joined)["text"].to_list()
