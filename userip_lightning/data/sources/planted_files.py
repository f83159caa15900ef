"""Planted profiles as files, of any size: they are written while they are drawn."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from userip_lightning.atomic import scratch
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.data.sources.synthesize import Planted
from userip_lightning.errors import InputError

Shape = Literal["csv", "amazon"]
_NAMES: dict[Shape, tuple[str, str, str]] = {
    "csv": ("events.csv", "items.csv", "users.csv"),
    "amazon": ("reviews.jsonl", "meta.jsonl", "users.csv"),
}
_PRICES = {"budget": "$4.99", "standard": "$19.50", "premium": "$120.00"}
_WORDS = (
    "the a it was and very not quite box arrived colour size smaller larger than expected works fine after "
    "two weeks my sister bought another one because first broke quickly price shipping good bad easy to use "
    "would recommend anyone who needs something like this every day at home or in office but instructions"
)
_SENTENCES = 4096


def write_planted(
    source: Planted,
    folder: Path,
    shape: Shape = "csv",
    words: int = 60,
    report: Callable[[str], None] = print,
) -> list[Path]:
    """Write a log into ``folder``, which may exist but not hold these files.

    Args:
        source: what to draw.
        folder: where the files go.
        shape: ``csv`` for ``events.csv``, ``items.csv`` and ``users.csv`` (see
            :class:`userip_lightning.data.sources.tabular.Tabular`); ``amazon`` for ``reviews.jsonl`` and
            ``meta.jsonl`` in the shape of the Amazon review data of 2018, and ``users.csv`` with the truth.
        words: length of a review of ``amazon``.
        report: is told what was written.

    Returns:
        The files.

    Raises:
        InputError: a file is there already or cannot be written; ``words`` is negative.
    """
    if words < 0:
        raise InputError(f"words is {words}, expected 0 or more.")
    names = _NAMES[shape]
    for name in names:
        if (folder / name).exists():
            raise InputError(f"{folder / name}: exists already; delete it or name another folder.")
    with scratch(folder / "log") as draft:
        rows = _draw(source, [draft / name for name in names], _sentences(words, source.seed), shape)
        for name in names:
            os.replace(draft / name, folder / name)
    report(f"{folder}: {rows:,} events of {source.users:,} users in {', '.join(names)}")
    return [folder / name for name in names]


def _draw(source: Planted, files: list[Path], said: pl.Series, shape: Shape) -> int:
    """Write the files; returns the number of events."""
    (events, items, users), rows, amazon = files, 0, shape == "amazon"
    for block in source.blocks(Rejects()):
        if block.items is not None:
            _append(items, _product(block.items) if amazon else block.items)
        if block.users is not None:
            _append(users, block.users)
        if block.events is not None:
            rows += block.events.height
            _append(events, _review(block.events, said) if amazon else block.events.drop("row_id"))
    return rows


def _append(path: Path, frame: pl.DataFrame) -> None:
    with path.open("ab") as file:
        if path.suffix == ".csv":
            frame.write_csv(file, include_header=file.tell() == 0)
        else:
            frame.write_ndjson(file)


def _sentences(words: int, seed: int) -> pl.Series:
    rng, every = np.random.default_rng(seed), np.array(_WORDS.split())
    return pl.Series([" ".join(rng.choice(every, size=words // 2)) for _ in range(_SENTENCES)])


def _review(events: pl.DataFrame, said: pl.Series) -> pl.DataFrame:
    """As in the reviews of 2018; the text is the planted one and then words that say nothing."""
    row = pl.col("row_id")
    time = pl.from_epoch("timestamp")
    number = events["row_id"].to_numpy() * 2_654_435_761
    filler = [said.gather(part % _SENTENCES) for part in (number, number // _SENTENCES)]
    return events.select(
        overall=pl.col("rating").cast(pl.Float64),
        verified=row % 5 != 0,
        reviewTime=time.dt.strftime("%m %-d, %Y"),
        reviewerID="A" + pl.col("user_id").str.slice(1).str.zfill(13),
        asin="B" + pl.col("item_id").str.slice(1).str.zfill(9),
        reviewerName=pl.col("user_id"),
        reviewText=pl.concat_str("review", *filler, separator=" "),
        summary=pl.col("review").str.slice(0, 16),
        unixReviewTime="timestamp",
    )


def _product(items: pl.DataFrame) -> pl.DataFrame:
    department = pl.lit("Hobbies")
    return items.select(
        asin="B" + pl.col("item_id").str.slice(1).str.zfill(9),
        title="title",
        brand=pl.col("title").str.split(" ").list.get(1),
        category=pl.concat_list(department, pl.col("genres")),
        price=pl.col("price_level").replace_strict(_PRICES),
        main_cat=department,
    )
