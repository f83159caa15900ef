"""The first events of a log, to see whether it is read as it was meant."""

from __future__ import annotations

import sys

import polars as pl

from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.data.sources.source import Source


def head(source: Source, rows: int) -> tuple[pl.DataFrame, int]:
    """The first events with the titles of their items.

    The source is read twice, each time only as far as needed: where a title stands is not known before.

    Args:
        source: the log.
        rows: how many events.

    Returns:
        The events with a column ``title``; how many rows on the way there cannot be used.

    Raises:
        InputError: a file is missing or damaged as a whole.
    """
    rejects = Rejects(sys.maxsize)
    found: list[pl.DataFrame] = []
    for block in source.blocks(rejects):
        if block.events is not None:
            found.append(block.events.head(rows - sum(part.height for part in found)))
        if sum(part.height for part in found) >= rows:
            break
    if not found:
        return pl.DataFrame(), rejects.count
    events = pl.concat(found)
    titled = events.join(_titles(source, events), on="item_id", how="left", maintain_order="left")
    names = [name for name in events.columns if name not in ("row_id", "user_id", "item_id")]
    return titled.select("row_id", "user_id", "item_id", "title", *names), rejects.count


def _titles(source: Source, events: pl.DataFrame) -> pl.DataFrame:
    titles = pl.DataFrame(schema={"item_id": pl.String, "title": pl.String})
    wanted, passed = events["item_id"].n_unique(), 0
    for block in source.blocks(Rejects(sys.maxsize)):
        if block.items is not None:
            more = block.items.select("item_id", "title").join(events, on="item_id", how="semi")
            titles = pl.concat([titles, more]).unique("item_id", keep="first", maintain_order=True)
        passed += 0 if block.events is None else block.events.height
        if titles.height == wanted or passed >= events.height:
            break
    return titles
