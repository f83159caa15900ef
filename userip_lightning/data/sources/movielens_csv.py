"""MovieLens as CSV: latest, latest-small, 20M, 25M and 32M."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from userip_lightning.data.events import shape_events
from userip_lightning.data.parsing.columns import ROW, blank_fault, require_columns, shape_side, sift
from userip_lightning.data.parsing.delimited import read_table
from userip_lightning.data.parsing.lines import require_file
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.data.sources.movielens import with_year
from userip_lightning.data.sources.source import Block, Source
from userip_lightning.integrity import file_hash

_ADVICE = "get one of the archives from grouplens.org/datasets/movielens and give the folder it unpacks to"
_COLUMNS = {"userId": "user_id", "movieId": "item_id", "rating": "rating", "timestamp": "timestamp"}
_RATINGS = (0.5, 5.0)
_NO_GENRES = "(no genres listed)"


class MovieLensCSV(Source):
    """Ratings are 0.5 to 5 in steps of a half; nothing is known about users.

    Items: ``title`` without its year, ``year``, ``genres`` (words).

    Args:
        path: the folder with ``ratings.csv`` and ``movies.csv``.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path).expanduser()

    def identity(self) -> dict[str, object]:
        return {"class": "MovieLensCSV", "files": [file_hash(file) for file in self._files()]}

    def blocks(self, rejects: Rejects) -> Iterator[Block]:
        ratings, movies = self._files()
        for films in read_table(movies, _ADVICE, rejects, ",", quoted=True):
            require_columns(films, movies, ("movieId", "title", "genres"))
            genres = pl.when(pl.col("genres") != _NO_GENRES).then(
                pl.col("genres").str.replace_all("|", " ", literal=True)
            )
            columns = films.select(
                ROW, "title", item_id="movieId", year=pl.lit(None, dtype=pl.String), genres=genres
            )
            columns = with_year(columns).select(ROW, "item_id", "title", "year", "genres")
            yield Block(items=shape_side(columns, "item_id", movies, rejects))
        # No field of a rating is quoted, and the file has tens of millions of them.
        for frame in read_table(ratings, _ADVICE, rejects, ","):
            columns = require_columns(frame, ratings, list(_COLUMNS)).select(ROW, *_COLUMNS).rename(_COLUMNS)
            full = sift(columns, [blank_fault(name) for name in _COLUMNS.values()], ratings, rejects)
            yield Block(events=shape_events(full, ratings, rejects, _RATINGS))

    def _files(self) -> tuple[Path, Path]:
        ratings, movies = (require_file(self.path / name, _ADVICE) for name in ("ratings.csv", "movies.csv"))
        return ratings, movies
