"""MovieLens-100K, in its original layout and in the one of RecBole's example folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import polars as pl

from userip_lightning.data.events import shape_events
from userip_lightning.data.parsing.columns import ROW, blank_fault, shape_side, sift
from userip_lightning.data.parsing.delimited import read_table, read_typed
from userip_lightning.data.parsing.lines import require_file
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.data.sources.source import Block, Source
from userip_lightning.integrity import file_hash

#: Column order of the genre flags in ``u.item``.
GENRES = (
    *("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama"),
    *("Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War"),
    "Western",
)
_ORIGINAL = ("u.data", "u.item", "u.user")
_RECBOLE = ("ml-100k.inter", "ml-100k.item", "ml-100k.user")
_ADVICE = (
    "run `userip assets fetch`, or get ml-100k.zip from grouplens.org/datasets/movielens and give the folder "
    "it unpacks to"
)
_RATINGS = (1.0, 5.0)
_EVENTS = ("user_id", "item_id", "rating", "timestamp")
_PEOPLE = ("user_id", "age", "gender", "occupation", "zip_code")
# "Toy Story (1995)", "Land Before Time III (1995) (V)"; some releases of the table keep the suffix.
_YEAR = r"\s*\((\d{4})\)(?:\s*\(V\))?$"
_NO_TITLE = ("unknown", "unkonwn")  # the placeholder of film 267, misspelt in RecBole's copy


class MovieLens100K(Source):
    """943 users, 1,682 films, 100,000 ratings from 1 to 5.

    Items: ``title`` without its year, ``year``, ``genres`` (words). Users: ``age``, ``gender``,
    ``occupation``.

    Args:
        path: the folder with ``u.data``, ``u.item``, ``u.user``, or with ``ml-100k.inter``, ``.item``,
            ``.user``.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path).expanduser()

    def table_origin(self, name: Literal["item", "user"]) -> str:
        return str(self._files()[1 if name == "item" else 2])

    def identity(self) -> dict[str, object]:
        return {"class": "MovieLens100K", "files": [file_hash(file) for file in self._files()]}

    def blocks(self, rejects: Rejects) -> Iterator[Block]:
        events, items, users = self._files()
        original = events.name in _ORIGINAL
        for films in self._original_items(items, rejects) if original else _recbole_items(items, rejects):
            yield Block(items=shape_side(with_year(films), "item_id", items, rejects))
        for people in (
            _table(users, rejects, _PEOPLE, "|") if original else _atomic(users, rejects, _PEOPLE[:4])
        ):
            columns = people.select(ROW, *_PEOPLE[:4])
            yield Block(users=shape_side(columns, "user_id", users, rejects))
        for frame in (
            _table(events, rejects, _EVENTS, "\t") if original else _atomic(events, rejects, _EVENTS)
        ):
            full = sift(frame, [blank_fault(name) for name in _EVENTS], events, rejects)
            yield Block(events=shape_events(full, events, rejects, _RATINGS))

    def _files(self) -> tuple[Path, Path, Path]:
        names = _RECBOLE if (self.path / _RECBOLE[0]).is_file() else _ORIGINAL
        events, items, users = (require_file(self.path / name, _ADVICE) for name in names)
        return events, items, users

    def _original_items(self, path: Path, rejects: Rejects) -> Iterator[pl.DataFrame]:
        names = ["item_id", "title", "released", "video", "url", *GENRES]
        flags = [pl.when(pl.col(g) == "1").then(pl.lit(g)) for g in GENRES]
        genres = pl.concat_str(flags, separator=" ", ignore_nulls=True)
        for frame in _table(path, rejects, names, "|", "latin-1"):
            yield frame.select(ROW, "item_id", "title", year=pl.lit(None, dtype=pl.String), genres=genres)


def _recbole_items(path: Path, rejects: Rejects) -> Iterator[pl.DataFrame]:
    for frame in _atomic(path, rejects, ["item_id", "movie_title", "release_year", "class"]):
        yield frame.select(ROW, "item_id", title="movie_title", year="release_year", genres="class")


def _table(
    path: Path, rejects: Rejects, names: Sequence[str], separator: str, encoding: str = "utf-8"
) -> Iterator[pl.DataFrame]:
    return read_table(path, _ADVICE, rejects, separator, names=names, encoding=encoding)


def _atomic(path: Path, rejects: Rejects, names: Sequence[str]) -> Iterator[pl.DataFrame]:
    for frame in read_typed(path, _ADVICE, rejects, names):
        yield frame.select(ROW, *names)


def with_year(films: pl.DataFrame) -> pl.DataFrame:
    """Move the year from the title to its column; placeholders become null."""
    title = pl.col("title").str.replace(_YEAR, "").str.strip_chars()
    year = pl.coalesce(pl.col("title").str.extract(_YEAR), pl.col("year").str.extract(r"^(\d{4})$"))
    return films.with_columns(
        title=pl.when(~title.is_in(_NO_TITLE)).then(title),
        year=year,
        genres=pl.when(~pl.col("genres").is_in(["", "unknown"])).then("genres"),
    )
