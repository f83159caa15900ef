"""Typed contracts between the rooms of the house: what data, stages, bank and report hand each other.

Nothing here imports torch, so the report can read results without it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from userip_lightning import parquet
from userip_lightning.arrays import open_array, save_array
from userip_lightning.errors import InputError

#: Columns of :attr:`Interactions.events`. ``label`` and ``split`` are added by preparation.
EVENT_COLUMNS: dict[str, pl.DataType] = {
    "row_id": pl.Int64(),  #     unique; every artifact records which row ids it saw
    "user_id": pl.String(),  #   as the source writes it
    "item_id": pl.String(),
    "rating": pl.Float32(),  #   null where the source is implicit
    "timestamp": pl.Int64(),  #  seconds since 1970, or the position in a history; null where unknown
    "review": pl.String(),  #    what the user wrote; null where nothing
}
#: Splits of an event. Stages 1 and 2 see TRAIN and SUPPORT, the CTR model trains on TRAIN alone,
#: selects on VAL and is judged on TEST. SUPPORT rows belong to users that are cold for the CTR model.
TRAIN, SUPPORT, VAL, TEST = "train", "support", "val", "test"
SPLITS = (TRAIN, SUPPORT, VAL, TEST)

#: In a profiles artifact: codebooks and surrogate that the ``joint`` schedule trained with z.
PRIOR = "prior.pt"


@dataclass(frozen=True)
class Interactions:
    """A log of who did what, and what is known about items and users.

    Args:
        events: one row per interaction, columns as in :data:`EVENT_COLUMNS`.
        items: one row per item: ``item_id``, ``title`` (String, may be null) and any further String
            columns (``genres``, ``brand``, ``categories``, ``price_level`` ...).
        users: one row per user: ``user_id`` and any String attribute columns; may have no others.
        source: a human-readable origin for messages, usually the path.
    """

    events: pl.DataFrame
    items: pl.DataFrame
    users: pl.DataFrame
    source: str

    def validate(self) -> Interactions:
        """Return self if it keeps the contract.

        Raises:
            InputError: a column is missing or has another type, an id is null, a row id or an item or user
                row is duplicated, or an event names an unknown item or user.
        """
        for name, dtype in EVENT_COLUMNS.items():
            if name not in self.events.columns:
                raise InputError(f"{self.source}: column {name!r} is missing from the interactions.")
            if self.events.schema[name] != dtype:
                raise InputError(
                    f"{self.source}: column {name!r} has type {self.events.schema[name]}, expected {dtype}."
                )
        if self.events.is_empty():
            raise InputError(f"{self.source}: no interactions were found.")
        for name in ("row_id", "user_id", "item_id"):
            if self.events[name].null_count():
                row = int(self.events[name].is_null().arg_max() or 0)
                raise InputError(f"{self.source}: row {row + 1} has no {name}.")
        if self.events["row_id"].n_unique() != self.events.height:
            raise InputError(f"{self.source}: row_id is not unique.")
        self._validate_side(self.items, "item_id")
        self._validate_side(self.users, "user_id")
        if "title" not in self.items.columns:
            raise InputError(f"{self.source}: the items have no 'title' column.")
        return self

    def _validate_side(self, side: pl.DataFrame, key: str) -> None:
        if key not in side.columns or side[key].n_unique() != side.height:
            raise InputError(f"{self.source}: the {key.removesuffix('_id')} table needs one row per {key}.")
        unknown = self.events.join(side, on=key, how="anti")
        if not unknown.is_empty():
            raise InputError(f"{self.source}: {key} {unknown[key][0]!r} is missing from its table.")


@dataclass(frozen=True)
class Field:
    """A categorical input of a CTR network: values are ``0 .. size - 1``.

    Args:
        name: unique in the schema.
        size: number of values.
        vectors: [size, D] float32. Value v then stands for row v, which no training changes, and has no row
            in an embedding table. May be memory-mapped; takes no part in comparisons.
    """

    name: str
    size: int
    vectors: NDArray[np.float32] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class FeatureSchema:
    """The fields of a CTR network, in the column order of its input."""

    fields: tuple[Field, ...]

    @property
    def offsets(self) -> tuple[int, ...]:
        """First row of every field in one fused embedding table, where fields with vectors have no rows."""
        return (0, *accumulate(_learned_rows(f) for f in self.fields[:-1]))

    @property
    def total(self) -> int:
        """Rows of the fused embedding table."""
        return sum(_learned_rows(f) for f in self.fields)


def _learned_rows(field: Field) -> int:
    """Rows of an embedding table that ``field`` needs."""
    return field.size if field.vectors is None else 0


@dataclass(frozen=True)
class ProfileVectors:
    """Stage 1's result: soft tokens of every user, in float32.

    Args:
        user_ids: [U] strings, in row order of ``z``.
        names: the P profile names, e.g. ``("hobby", "background")``.
        z: [U, P, S, D].
    """

    user_ids: NDArray[np.str_]
    names: tuple[str, ...]
    z: NDArray[np.float32]

    def save(self, folder: Path) -> None:
        """Write into ``folder`` (inside :func:`userip_lightning.artifact.writing`)."""
        save_array(folder / "z.npy", self.z)
        pl.DataFrame({"user_id": self.user_ids.tolist()}).write_parquet(folder / "users.parquet")

    @staticmethod
    def load(folder: str | Path, names: tuple[str, ...]) -> ProfileVectors:
        """Memory-map what :meth:`save` wrote; ``names`` come from the manifest."""
        users = parquet.read(Path(folder) / "users.parquet")["user_id"].to_numpy().astype(np.str_)
        return ProfileVectors(users, names, open_array(Path(folder) / "z.npy", "f"))
