"""What counts as a positive: a rating, a column of one's own, or the bare fact of an event."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

import polars as pl

from userip_lightning.data.negatives import sample_negatives
from userip_lightning.errors import InputError
from userip_lightning.label_values import read_label


class Labels(ABC):
    """Chosen in YAML by ``class_path``."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the log, besides ``rating`` and ``timestamp``, that these labels are made from."""
        return ()

    @abstractmethod
    def apply(self, events: pl.DataFrame, users: pl.Series, items: int, seed: int) -> pl.DataFrame:
        """Add ``label`` (Int8, 0 or 1), and perhaps rows.

        Args:
            events: in order of ``row_id``: ``row_id``, ``user``, ``item``, ``rating``, ``timestamp``,
                ``split``, ``logged`` and :attr:`columns`.
            users: ``user_id`` of every ``user``, for messages.
            items: number of items.
            seed: decides everything random.

        Raises:
            InputError: the events do not allow these labels.
        """


@dataclass(frozen=True)
class RatingThreshold(Labels):
    """Positive above a rating; the paper's rule is "rating > 3".

    Args:
        threshold: the highest rating that is still negative.
    """

    threshold: float = 3.0

    def apply(self, events: pl.DataFrame, users: pl.Series, items: int, seed: int) -> pl.DataFrame:
        missing = events["rating"].is_null()
        if missing.any():
            row = events["row_id"].filter(missing)[0]
            raise InputError(
                f"RatingThreshold: row {row + 1} of the source has no rating; drop such rows, or use the "
                "labels Implicit or GivenLabel."
            )
        return events.with_columns(label=(pl.col("rating") > self.threshold).cast(pl.Int8))


@dataclass(frozen=True)
class GivenLabel(Labels):
    """A column of the log that holds 0 or 1, or False or True.

    Args:
        column: its name, after the reader renamed it.
    """

    column: str = "label"

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    def apply(self, events: pl.DataFrame, users: pl.Series, items: int, seed: int) -> pl.DataFrame:
        given = events.select(read_label(self.column, events.schema[self.column])).to_series()
        bad = ~given.is_in([0.0, 1.0]).fill_null(False)
        if bad.any():
            found = events.filter(bad).row(0, named=True)
            raise InputError(
                f"GivenLabel: row {found['row_id'] + 1} of the source has {self.column} "
                f"{found[self.column]!r}, expected 0 or 1, True or False; mend or delete it."
            )
        return events.with_columns(label=given.cast(pl.Int8))


@dataclass(frozen=True)
class Implicit(Labels):
    """Every logged event is positive; sampled items that the user never met are negative.

    Args:
        negatives: how many per positive.
        popularity: ``matched`` takes items as often as they are positive in the same split, so that
            popularity alone predicts nothing, as far as enough users never met them (the data card says how
            far); ``uniform`` draws every item alike.
    """

    negatives: int = 1
    popularity: Literal["matched", "uniform"] = "matched"

    def apply(self, events: pl.DataFrame, users: pl.Series, items: int, seed: int) -> pl.DataFrame:
        if self.negatives < 1:
            raise InputError(f"Implicit: negatives is {self.negatives}, at least 1 is needed per positive.")
        sampled = sample_negatives(events, users, items, self.negatives, self.popularity == "matched", seed)
        positives = events.with_columns(label=pl.lit(1, dtype=pl.Int8))
        negatives = sampled.with_columns(label=pl.lit(0, dtype=pl.Int8), logged=pl.lit(False))
        return pl.concat([positives, negatives], how="diagonal")
