"""Writes tests/data/tiny: one planted log of 40 users and 40 items in every layout that we read.

Run ``python -m tests.data.make_tiny`` to make the folder again.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl

from userip_lightning.data.sources.movielens import GENRES
from userip_lightning.data.sources.synthesize import Planted

TINY = Path(__file__).parent / "tiny"
GENRE_OF = {
    "gardening": "Documentary",
    "astronomy": "Sci-Fi",
    "cooking": "Comedy",
    "motor racing": "Action Thriller",
}


def write(folder: Path) -> None:
    log = Planted(users=40, rows_per_user=14, items_per_topic=10, focus=0.7, noise=0.6, seed=7).read()
    number = pl.col("item_id").str.slice(1).cast(pl.Int64) + 1
    items = log.items.select(
        item_id=number.cast(pl.String),
        title="title",
        year=(number % 30 + 1970).cast(pl.String),
        genres=pl.col("genres").replace_strict(GENRE_OF),
        price_level="price_level",
    )
    age = pl.int_range(pl.len()) % 40 + 18
    users = log.users.select(
        user_id=(pl.col("user_id").str.slice(1).cast(pl.Int64) + 1).cast(pl.String),
        age=age.cast(pl.String),
        gender=pl.when(age % 2 == 0).then(pl.lit("F")).otherwise(pl.lit("M")),
        occupation=pl.when(age % 3 == 0).then(pl.lit("student")).otherwise(pl.lit("writer")),
        hobby="hobby",
        background="background",
    )
    events = log.events.select(
        user_id=(pl.col("user_id").str.slice(1).cast(pl.Int64) + 1).cast(pl.String),
        item_id=number.cast(pl.String),
        rating=pl.col("rating").cast(pl.Int64),
        timestamp="timestamp",
        review="review",
    )
    _original(folder / "ml-100k", events, items, users)
    _wheel(folder / "ml-100k-wheel", events, items, users)
    _histories(folder / "histories", events, items)
    _csv(folder / "csv", events, items, users)


def _original(folder: Path, events: pl.DataFrame, items: pl.DataFrame, users: pl.DataFrame) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rows = events.select("user_id", "item_id", "rating", "timestamp").rows()
    _lines(folder / "u.data", ["\t".join(map(str, row)) for row in rows])
    lines = []
    for item, title, year, genres, _ in items.rows():
        flags = "|".join("1" if genre in genres.split() else "0" for genre in GENRES)
        lines.append(f"{item}|{title} ({year})|01-Jan-{year}||http://example.org/{item}|{flags}")
    _lines(folder / "u.item", lines)
    _lines(folder / "u.user", ["|".join([*row[:4], "00000"]) for row in users.rows()])


def _wheel(folder: Path, events: pl.DataFrame, items: pl.DataFrame, users: pl.DataFrame) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rows = events.select("user_id", "item_id", "rating", "timestamp").rows()
    header = "user_id:token\titem_id:token\trating:float\ttimestamp:float"
    _lines(folder / "ml-100k.inter", [header, *("\t".join(map(str, row)) for row in rows)])
    header = "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq"
    _lines(folder / "ml-100k.item", [header, *("\t".join(row[:4]) for row in items.rows())])
    header = "user_id:token\tage:token\tgender:token\toccupation:token\tzip_code:token"
    _lines(folder / "ml-100k.user", [header, *("\t".join([*row[:4], "00000"]) for row in users.rows())])


def _histories(folder: Path, events: pl.DataFrame, items: pl.DataFrame) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    grouped = events.group_by("user_id", maintain_order=True).agg("item_id").rows()
    lines = [f"{user}\t{' '.join(history[:-1])}\t{history[-1]}" for user, history in grouped]
    _gzip(folder / "histories.tsv.gz", ["user_id:token\titem_id_list:token_seq\titem_id:token", *lines])
    titles = ["\t".join(row[:2]) for row in items.rows()]
    _gzip(folder / "items.tsv.gz", ["item_id:token\ttitle:token_seq", *titles])


def _csv(folder: Path, events: pl.DataFrame, items: pl.DataFrame, users: pl.DataFrame) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    liked = (pl.col("rating") > 3).cast(pl.Int64)
    events.rename(
        {"user_id": "person", "item_id": "thing", "rating": "stars", "timestamp": "when"}
    ).with_columns(liked=(events.select(liked))["rating"]).write_csv(folder / "events.csv")
    items.rename({"item_id": "thing"}).write_csv(folder / "items.csv")
    users.rename({"user_id": "person"}).write_csv(folder / "users.csv")


def _lines(path: Path, lines: list[str]) -> None:
    path.write_bytes(("\n".join(lines) + "\n").encode("latin-1"))


def _gzip(path: Path, lines: list[str]) -> None:
    path.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0))


if __name__ == "__main__":
    write(TINY)
