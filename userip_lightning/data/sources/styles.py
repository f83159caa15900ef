"""What reviews of 2018 say of a product beside the review: its size, colour, flavour."""

from __future__ import annotations

import json

import polars as pl

from userip_lightning.data.parsing.cleaning import clean


class FirstStyles:
    """Item tables from reviews: a row for every item that has not been seen before, with its first style."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def new(self, events: pl.DataFrame) -> pl.DataFrame:
        """``item_id``, ``title`` (null) and ``text``, for instance ``Size: 7.0 oz, Flavor: Classic``.

        Args:
            events: ``item_id`` and ``style``, a JSON object of strings.
        """
        first = events.filter(pl.col("style").is_not_null()).unique(
            "item_id", keep="first", maintain_order=True
        )
        fresh = [item not in self._seen for item in first["item_id"]]
        first = first.filter(pl.Series(fresh, dtype=pl.Boolean))
        self._seen.update(first["item_id"])
        text = pl.Series("text", [_style(value) for value in first["style"]], dtype=pl.String)
        return first.select("item_id", pl.lit(None, dtype=pl.String).alias("title"), clean(text))


def _style(text: str) -> str | None:
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    return ", ".join(f"{name.strip(' :')}: {said}" for name, said in value.items() if isinstance(said, str))
