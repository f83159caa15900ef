"""One log in every format that a reader knows: readers must agree on it, and bear it when it is damaged."""

from __future__ import annotations

import csv
import gzip
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from userip_lightning.data.sources.amazon2014 import Amazon2014
from userip_lightning.data.sources.amazon2018 import Amazon2018
from userip_lightning.data.sources.amazon2023 import Amazon2023
from userip_lightning.data.sources.movielens_1m import MovieLens1M
from userip_lightning.data.sources.movielens_csv import MovieLensCSV
from userip_lightning.data.sources.nete import Nete
from userip_lightning.data.sources.recbole import RecBole
from userip_lightning.data.sources.source import Source
from userip_lightning.data.sources.tabular import Tabular
from userip_lightning.data.sources.yelp import Yelp


class Event(NamedTuple):
    user: str
    item: str
    rating: int
    seconds: int
    review: str | None


class Log(NamedTuple):
    events: list[Event]
    titles: dict[str, str]


class Format(NamedTuple):
    """How to write a log, and what of it the format carries besides user and item."""

    write: Callable[[Path, Log], Source]
    log: str  # the file with the events
    carries: frozenset[str]


ALL = frozenset({"rating", "timestamp", "review"})


def lines(path: Path, rows: list[Any], turn: Callable[[Any], str] = json.dumps) -> str:
    text = "".join(f"{turn(row)}\n" for row in rows).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return str(path)


def rows_of(names: list[str], rows: list[list[Any]]) -> list[dict[str, Any]]:
    """Dictionaries without the fields that are None."""
    made = (dict(zip(names, row, strict=True)) for row in rows)
    return [{name: value for name, value in row.items() if value is not None} for row in made]


def table(path: Path, rows: list[list[Any]], separator: str = ",") -> str:
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=separator, lineterminator="\n").writerows(rows)
    return str(path)


def amazon(folder: Path, log: Log, suffix: str) -> str:
    names = ["reviewerID", "asin", "overall", "unixReviewTime", "reviewText"]
    rows = [[e.user, e.item, float(e.rating), e.seconds, e.review] for e in log.events]
    return lines(folder / f"reviews{suffix}", rows_of(names, rows))


def amazon2014(folder: Path, log: Log) -> Source:
    products = [
        {"asin": item, "title": title, "price": 3.5, "related": {"also_viewed": ["x"]}}
        for item, title in log.titles.items()
    ]
    return Amazon2014(amazon(folder, log, ".json"), lines(folder / "meta.json", products, repr))


def amazon2018(folder: Path, log: Log) -> Source:
    products = [
        {"asin": item, "title": title, "category": ["A", "B"], "price": "$3.50"}
        for item, title in log.titles.items()
    ]
    return Amazon2018(amazon(folder, log, ".json.gz"), lines(folder / "meta.json.gz", products))


def amazon2023(folder: Path, log: Log) -> Source:
    names = ["user_id", "asin", "parent_asin", "rating", "timestamp", "text"]
    rows = [[e.user, "x", e.item, float(e.rating), e.seconds * 1000, e.review] for e in log.events]
    products = [
        {"parent_asin": item, "title": title, "categories": [], "price": None}
        for item, title in log.titles.items()
    ]
    reviews = lines(folder / "reviews.jsonl", rows_of(names, rows))
    return Amazon2023(reviews, lines(folder / "meta.jsonl", products))


def yelp(folder: Path, log: Log) -> Source:
    names = ["user_id", "business_id", "stars", "date", "text"]
    dates = pl.from_epoch(pl.Series([e.seconds for e in log.events]), "s").dt.strftime("%Y-%m-%d %H:%M:%S")
    rows = [
        [e.user, e.item, float(e.rating), date, e.review] for e, date in zip(log.events, dates, strict=True)
    ]
    businesses = [
        {"business_id": item, "name": title, "attributes": {"RestaurantsPriceRange2": "2"}}
        for item, title in log.titles.items()
    ]
    users = [{"user_id": e.user, "yelping_since": "2010-01-01 00:00:00"} for e in log.events]
    return Yelp(
        lines(folder / "review.json", rows_of(names, rows)),
        lines(folder / "business.json", businesses),
        lines(folder / "user.json", users),
    )


def nete(folder: Path, log: Log) -> Source:
    records = [
        {"user": e.user, "item": e.item, "rating": e.rating, "template": ("f", "a", e.review, 1)}
        for e in log.events
    ]
    (folder / "reviews.pickle").write_bytes(pickle.dumps(records))
    items = [{"item": item, "title": title} for item, title in log.titles.items()]
    (folder / "item.json").write_text(json.dumps(items))
    return Nete(str(folder))


def movielens_1m(folder: Path, log: Log) -> Source:
    def write(name: str, rows: list[list[Any]]) -> None:
        text = "".join("::".join(map(str, row)) + "\n" for row in rows)
        (folder / name).write_text(text, encoding="latin-1")

    write("ratings.dat", [[e.user, e.item, e.rating, e.seconds] for e in log.events])
    write("movies.dat", [[item, title, "Drama|Comedy"] for item, title in log.titles.items()])
    write("users.dat", [[user, "F", 1, 10, "48067"] for user in {e.user: 0 for e in log.events}])
    return MovieLens1M(str(folder))


def movielens_csv(folder: Path, log: Log) -> Source:
    ratings = [[e.user, e.item, float(e.rating), e.seconds] for e in log.events]
    films = [[item, title, "(no genres listed)"] for item, title in log.titles.items()]
    table(folder / "ratings.csv", [["userId", "movieId", "rating", "timestamp"], *ratings])
    table(folder / "movies.csv", [["movieId", "title", "genres"], *films])
    return MovieLensCSV(str(folder))


def recbole(folder: Path, log: Log) -> Source:
    def write(kind: str, rows: list[list[Any]]) -> None:
        text = "".join("\t".join(map(str, row)) + "\n" for row in rows)
        (folder / f"{folder.name}.{kind}").write_text(text, encoding="utf-8")

    header = ["user_id:token", "item_id:token", "rating:float", "timestamp:float"]
    write("inter", [header, *([e.user, e.item, e.rating, e.seconds] for e in log.events)])
    write("item", [["item_id:token", "item_name:token_seq"], *map(list, log.titles.items())])
    return RecBole(str(folder))


COLUMNS = ["user_id", "item_id", "rating", "timestamp", "review"]


def own_text(folder: Path, log: Log, suffix: str) -> Source:
    separator = "," if suffix == ".csv" else "\t"
    rows = [[e.user, e.item, e.rating, e.seconds, e.review or ""] for e in log.events]
    events = table(folder / f"log{suffix}", [COLUMNS, *rows], separator)
    titles = [["item_id", "title"], *map(list, log.titles.items())]
    return Tabular(events, items_path=table(folder / f"items{suffix}", titles, separator))


def own_csv(folder: Path, log: Log) -> Source:
    return own_text(folder, log, ".csv")


def own_tsv(folder: Path, log: Log) -> Source:
    return own_text(folder, log, ".tsv")


def own_json(folder: Path, log: Log) -> Source:
    theirs = {"user_id": "u", "item_id": "i", "rating": "r", "timestamp": "t", "review": "w"}
    events = lines(folder / "log.jsonl", [dict(zip(theirs.values(), e, strict=True)) for e in log.events])
    items = [{"i": item, "title": title} for item, title in log.titles.items()]
    return Tabular(events, theirs, items_path=lines(folder / "items.jsonl", items))


def frames(log: Log) -> tuple[pl.DataFrame, pl.DataFrame]:
    schema = dict(zip(COLUMNS, [pl.String, pl.String, pl.Int64, pl.Int64, pl.String], strict=True))
    titles = pl.DataFrame(list(log.titles.items()), schema=["item_id", "title"], orient="row")
    return pl.DataFrame(log.events, schema=schema, orient="row"), titles


def own_parquet(folder: Path, log: Log) -> Source:
    events, titles = frames(log)
    events.write_parquet(folder / "log.parquet")
    titles.write_parquet(folder / "items.parquet")
    return Tabular(str(folder / "log.parquet"), items_path=str(folder / "items.parquet"))


def own_folder(folder: Path, log: Log) -> Source:
    events, titles = frames(log)
    half = events.height // 2
    for number, part in enumerate((events[:half], events[half:])):
        (folder / f"log/part={number}").mkdir(parents=True, exist_ok=True)
        part.write_parquet(folder / f"log/part={number}/0.parquet")
    titles.write_parquet(folder / "items.parquet")
    return Tabular(str(folder / "log"), items_path=str(folder / "items.parquet"))


FORMATS = {
    "amazon2014": Format(amazon2014, "reviews.json", ALL),
    "amazon2018": Format(amazon2018, "reviews.json.gz", ALL),
    "amazon2023": Format(amazon2023, "reviews.jsonl", ALL),
    "yelp": Format(yelp, "review.json", ALL),
    "nete": Format(nete, "reviews.pickle", ALL - {"timestamp"}),
    "movielens_1m": Format(movielens_1m, "ratings.dat", ALL - {"review"}),
    "movielens_csv": Format(movielens_csv, "ratings.csv", ALL - {"review"}),
    "recbole": Format(recbole, "recbole.inter", ALL - {"review"}),
    "own_csv": Format(own_csv, "log.csv", ALL),
    "own_tsv": Format(own_tsv, "log.tsv", ALL),
    "own_json": Format(own_json, "log.jsonl", ALL),
    "own_parquet": Format(own_parquet, "log.parquet", ALL),
    "own_folder": Format(own_folder, "log/part=1/0.parquet", ALL),
}
