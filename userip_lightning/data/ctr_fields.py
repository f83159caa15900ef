"""Categorical fields of the CTR model: one column of small integers per field, and their sizes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from userip_lightning.bank import FeatureBank
from userip_lightning.data.prepared import PreparedData
from userip_lightning.errors import InputError
from userip_lightning.schema import TRAIN, FeatureSchema, Field


class Column(NamedTuple):
    """One field for every event."""

    name: str
    values: NDArray[np.int64]  # [rows], 0 .. size - 1
    size: int


def id_columns(prepared: PreparedData) -> list[Column]:
    """``user_id`` and ``item_id``; value 0 is an id without a TRAIN row."""
    seen = _trained(prepared)
    events = prepared.events
    return [_known("user_id", events["user"], seen), _known("item_id", events["item"], seen)]


def code_columns(prepared: PreparedData, bank: FeatureBank) -> list[Column]:
    """``code_<name>`` per profile; value K_p is a user whom the bank does not know.

    Raises:
        InputError: the bank holds a code that its manifest has no room for.
    """
    codes = bank.lookup(prepared.users["user_id"].to_list())
    if codes.size and (codes.min() < 0 or (codes > np.array(bank.sizes)).any()):
        raise InputError(f"{bank.path}: a code is out of range; delete this version and write it again.")
    per_event = codes[prepared.events["user"].to_numpy()]
    return [
        Column(f"code_{name}", np.ascontiguousarray(per_event[:, p]), size + 1)
        for p, (name, size) in enumerate(zip(bank.names, bank.sizes, strict=True))
    ]


def attribute_columns(prepared: PreparedData) -> list[Column]:
    """``user_<name>`` and ``item_<name>`` per String column of the side tables but ids and titles.

    A cell is one category as it is written ("Action|Comedy" is not "Action"); 0 is a missing value or one
    without a TRAIN row.
    """
    seen = _trained(prepared)
    columns = []
    for side, table in (("user", prepared.users), ("item", prepared.items)):
        joined = prepared.events.select(side).join(table, on=side, how="left", maintain_order="left")
        for name, dtype in table.schema.items():
            if dtype == pl.String and name not in ("user_id", "item_id", "title"):
                columns.append(_known(f"{side}_{name}", joined[name], seen))
    return columns


def schema_of(columns: list[Column]) -> FeatureSchema:
    """The network's view of ``columns``."""
    return FeatureSchema(tuple(Field(column.name, column.size) for column in columns))


def _trained(prepared: PreparedData) -> NDArray[np.bool_]:
    return (prepared.events["split"] == TRAIN).to_numpy()


def _known(name: str, cells: pl.Series, trained: NDArray[np.bool_]) -> Column:
    """Number the cells that have a TRAIN row from 1 in their sorted order; all others are 0."""
    rank = (cells.rank("dense") - 1).cast(pl.Int64).fill_null(-1).to_numpy()
    known = np.unique(rank[trained & (rank >= 0)])
    number = np.zeros(rank.max(initial=-1) + 2, dtype=np.int64)  # the last entry serves rank -1: null
    number[known] = np.arange(1, known.size + 1)
    return Column(name, number[rank], int(known.size) + 1)
