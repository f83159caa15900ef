"""MovieLens-100K, in its original layout and in the one of RecBole's example folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from userip_lightning.artifact import file_hash
from userip_lightning.data.columns import require_all, require_range, side_table, to_numbers
from userip_lightning.data.delimited import parse_table, parse_typed, read_text, require_file
from userip_lightning.data.source import Source
from userip_lightning.schema import Interactions

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
_LOWEST, _HIGHEST = 1.0, 5.0
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

    def identity(self) -> dict[str, Any]:
        return {"class": "MovieLens100K", "files": [file_hash(file) for file in self._files()]}

    def read(self) -> Interactions:
        events, items, users = self._files()
        original = events.name in _ORIGINAL
        frame = self._original_events(events) if original else self._recbole_events(events)
        for name in frame.columns:
            require_all(frame[name], events)
        frame = frame.select(
            pl.int_range(pl.len(), dtype=pl.Int64).alias("row_id"),
            "user_id",
            "item_id",
            require_range(to_numbers(frame["rating"], pl.Float32(), events), _LOWEST, _HIGHEST, events),
            to_numbers(frame["timestamp"], pl.Int64(), events),
            pl.lit(None, dtype=pl.String).alias("review"),
        )
        films = self._original_items(items) if original else self._recbole_items(items)
        people = self._original_users(users) if original else self._recbole_users(users)
        films = side_table(_with_year(films), "item_id", items)
        people = side_table(people.select("user_id", "age", "gender", "occupation"), "user_id", users)
        return Interactions(frame, films, people, str(self.path)).validate()

    def _files(self) -> tuple[Path, Path, Path]:
        names = _RECBOLE if (self.path / _RECBOLE[0]).is_file() else _ORIGINAL
        events, items, users = (require_file(self.path / name, _ADVICE) for name in names)
        return events, items, users

    def _original_events(self, path: Path) -> pl.DataFrame:
        names = ["user_id", "item_id", "rating", "timestamp"]
        return parse_table(read_text(path, _ADVICE), path, "\t", names=names)

    def _recbole_events(self, path: Path) -> pl.DataFrame:
        names = ["user_id", "item_id", "rating", "timestamp"]
        return parse_typed(read_text(path, _ADVICE), path, names).select(names)

    def _original_items(self, path: Path) -> pl.DataFrame:
        names = ["item_id", "title", "released", "video", "url", *GENRES]
        frame = parse_table(read_text(path, _ADVICE, "latin-1"), path, "|", names=names)
        flags = [pl.when(pl.col(g) == "1").then(pl.lit(g)) for g in GENRES]
        genres = pl.concat_str(flags, separator=" ", ignore_nulls=True)
        return frame.select("item_id", "title", year=pl.lit(None, dtype=pl.String), genres=genres)

    def _recbole_items(self, path: Path) -> pl.DataFrame:
        names = ["item_id", "movie_title", "release_year", "class"]
        frame = parse_typed(read_text(path, _ADVICE), path, names)
        return frame.select("item_id", title="movie_title", year="release_year", genres="class")

    def _original_users(self, path: Path) -> pl.DataFrame:
        names = ["user_id", "age", "gender", "occupation", "zip_code"]
        return parse_table(read_text(path, _ADVICE), path, "|", names=names)

    def _recbole_users(self, path: Path) -> pl.DataFrame:
        return parse_typed(read_text(path, _ADVICE), path, ["user_id", "age", "gender", "occupation"])


def _with_year(films: pl.DataFrame) -> pl.DataFrame:
    """Move the year from the title to its column; placeholders become null."""
    title = pl.col("title").str.replace(_YEAR, "").str.strip_chars()
    year = pl.coalesce(pl.col("title").str.extract(_YEAR), pl.col("year").str.extract(r"^(\d{4})$"))
    return films.with_columns(
        title=pl.when(~title.is_in(_NO_TITLE)).then(title),
        year=year,
        genres=pl.when(~pl.col("genres").is_in(["", "unknown"])).then("genres"),
    )
