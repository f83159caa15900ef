"""MovieLens-1M (6,040 users, 3,883 films, 1,000,209 ratings) and -10M; fields between double colons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from userip_lightning.data.events import shape_events
from userip_lightning.data.parsing.columns import ROW, blank_fault, shape_side, sift
from userip_lightning.data.parsing.delimited import read_table
from userip_lightning.data.parsing.lines import require_file
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.data.sources.movielens import with_year
from userip_lightning.data.sources.source import Block, Source
from userip_lightning.integrity import file_hash

#: What the codes of ``users.dat`` mean, by its README.
AGES = {
    "1": "under 18",
    "18": "18-24",
    "25": "25-34",
    "35": "35-44",
    "45": "45-49",
    "50": "50-55",
    "56": "56+",
}
OCCUPATIONS = (
    *("other", "academic/educator", "artist", "clerical/admin", "college/grad student", "customer service"),
    *("doctor/health care", "executive/managerial", "farmer", "homemaker", "K-12 student", "lawyer"),
    *("programmer", "retired", "sales/marketing", "scientist", "self-employed", "technician/engineer"),
    *("tradesman/craftsman", "unemployed", "writer"),
)
_ADVICE = (
    "get ml-1m.zip or ml-10m.zip from grouplens.org/datasets/movielens and give the folder it unpacks to"
)
_EVENTS = ("user_id", "item_id", "rating", "timestamp")
_RATINGS = {"1M": (1.0, 5.0), "10M": (0.5, 5.0)}
_ENCODINGS = {"1M": "latin-1", "10M": "utf-8"}


class MovieLens1M(Source):
    """Ratings are 1 to 5, in MovieLens-10M 0.5 to 5; that one says nothing about users.

    Items: ``title`` without its year, ``year``, ``genres`` (words). Users: ``age`` (a range), ``gender``,
    ``occupation``.

    Args:
        path: the folder with ``ratings.dat`` and ``movies.dat``. Where it has ``users.dat`` as well, it is
            that of MovieLens-1M, in Latin-1; else that of MovieLens-10M, in UTF-8.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path).expanduser()

    def identity(self) -> dict[str, object]:
        return {"class": "MovieLens1M", "files": [file_hash(file) for file in self._files()]}

    def blocks(self, rejects: Rejects) -> Iterator[Block]:
        ratings, movies, *users = self._files()
        release = "1M" if users else "10M"
        encoding = _ENCODINGS[release]
        for films in _table(movies, rejects, encoding, ("item_id", "title", "genres")):
            films = films.with_columns(
                year=pl.lit(None, dtype=pl.String),
                genres=pl.col("genres").str.replace_all("|", " ", literal=True),
            )
            columns = with_year(films).select(ROW, "item_id", "title", "year", "genres")
            yield Block(items=shape_side(columns, "item_id", movies, rejects))
        for people in (
            _table(users[0], rejects, encoding, ("user_id", "gender", "age", "occupation", "zip_code"))
            if users
            else ()
        ):
            occupations = dict(zip(map(str, range(len(OCCUPATIONS))), OCCUPATIONS, strict=True))
            columns = people.select(
                ROW,
                "user_id",
                _word("age", AGES),
                "gender",
                _word("occupation", occupations),
            )
            yield Block(users=shape_side(columns, "user_id", users[0], rejects))
        for frame in _table(ratings, rejects, encoding, _EVENTS):
            full = sift(frame, [blank_fault(name) for name in _EVENTS], ratings, rejects)
            yield Block(events=shape_events(full, ratings, rejects, _RATINGS[release]))

    def _files(self) -> list[Path]:
        files = [require_file(self.path / name, _ADVICE) for name in ("ratings.dat", "movies.dat")]
        users = self.path / "users.dat"
        return [*files, users] if users.is_file() else files


def _table(path: Path, rejects: Rejects, encoding: str, names: Sequence[str]) -> Iterator[pl.DataFrame]:
    return read_table(path, _ADVICE, rejects, "::", names=names, encoding=encoding)


def _word(name: str, words: dict[str, str]) -> pl.Expr:
    """A code as its word; a code without one is null."""
    return pl.col(name).replace_strict(list(words), list(words.values()), default=None)
