"""Categorical fields of the CTR model: one column of small integers per field, and their sizes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from userip_lightning.arrays import read_array
from userip_lightning.bank import FeatureBank
from userip_lightning.data.prepared import PreparedData
from userip_lightning.errors import InputError
from userip_lightning.schema import TRAIN, FeatureSchema, Field, ProfileVectors
from userip_lightning.texts.joined import joined_texts
from userip_lightning.texts.source import TextSource
from userip_lightning.texts.vectors import text_vectors


class Column(NamedTuple):
    """One field for every event."""

    name: str
    values: NDArray[np.int64]  # [rows], 0 .. size - 1
    size: int
    vectors: NDArray[np.float32] | None = None  # [size, D], what a value stands for


def id_columns(prepared: PreparedData) -> list[Column]:
    """``user_id`` and ``item_id``; value 0 is an id without a TRAIN row."""
    seen = _trained(prepared)
    events = prepared.events
    return [_known("user_id", events["user"], seen), _known("item_id", events["item"], seen)]


def code_columns(prepared: PreparedData, bank: FeatureBank) -> list[Column]:
    """``code_<name>`` per profile; value K_p is a user whom the bank does not know.

    Raises:
        InputError: a file of the bank is damaged.
    """
    codes = bank.lookup(prepared.users["user_id"].to_list())
    per_event = codes[prepared.events["user"].to_numpy()]
    return [
        Column(f"code_{name}", np.ascontiguousarray(per_event[:, p]), size + 1)
        for p, (name, size) in enumerate(zip(bank.names, bank.sizes, strict=True))
    ]


def vector_columns(prepared: PreparedData, profiles: ProfileVectors) -> list[Column]:
    """``z_<name>`` per profile: a user's soft tokens, averaged (Table 3 of the paper, without quantization).

    Every dimension has mean 0 and variance 1 over the users of ``profiles``, so that a network sees numbers
    of one size, whatever the language model. Value 0, the zero vector, is a user without a profile.
    """
    ids = pl.DataFrame({"user_id": profiles.user_ids.tolist()}).with_row_index("place", offset=1)
    known = prepared.users.select("user_id").join(ids, on="user_id", how="left", maintain_order="left")
    place = known["place"].cast(pl.Int64).fill_null(0).to_numpy()
    per_event = place[prepared.events["user"].to_numpy()]
    return [
        Column(f"z_{name}", per_event, len(ids) + 1, _standardised(profiles.z[:, p].mean(axis=1)))
        for p, name in enumerate(profiles.names)
    ]


def knowledge_columns(prepared: PreparedData, folder: str | Path) -> list[Column]:
    """``user_knowledge`` and ``item_knowledge``: vectors of texts, from a knowledge artifact's folder.

    They are standardised as in :func:`vector_columns`, over those of whom something is known. Value 0, the
    zero vector, is everybody else: a row of zeros in the artifact.

    Raises:
        InputError: a file of the artifact does not fit the data.
    """
    columns = []
    for side, count in (("user", prepared.n_users), ("item", prepared.n_items)):
        file = Path(folder) / f"{side}s.npy"
        vectors = read_array(file, "f")
        if vectors.shape[:1] != (count,) or vectors.ndim != 2 or not np.isfinite(vectors).all():
            raise InputError(
                f"{file}: a row of numbers for each of {count} {side}s was expected, shape {vectors.shape} "
                "found; delete the folder and write the knowledge again."
            )
        columns.append(
            _vectors_of(f"{side}_knowledge", prepared.events[side], vectors, np.asarray(vectors.any(axis=1)))
        )
    return columns


def item_text_column(prepared: PreparedData, source: TextSource, columns: Sequence[str]) -> Column:
    """``item_text``: what ``source`` makes of the items' texts, of trained and of unseen items alike.

    Vectors are standardised as in :func:`vector_columns`, over the items that have one. Value 0, the zero
    vector, is an item without a text, or with no word that the source knows.

    Args:
        prepared: the data.
        source: gives [I, D] vectors.
        columns: of the item table; they make an item's text.

    Raises:
        InputError: a column is missing, no item has a text, or the source gives nothing of use.
    """
    texts = joined_texts(prepared.items, columns, "ctr.data.item_text_columns")
    written = np.array([bool(text.strip()) for text in texts])
    if not written.any():
        raise InputError(
            f"{prepared.path}: no item has a text in {', '.join(columns)}, which ctr.data.item_text should "
            "read; name other columns in ctr.data.item_text_columns, or set ctr.data.item_text to null."
        )
    vectors = text_vectors(source, texts)
    if vectors is None:
        raise InputError(
            f"ctr.data.item_text: {type(source).__name__} gives no vectors; choose a source that reads "
            "texts, or null for no field."
        )
    broken = written & ~np.isfinite(vectors).all(axis=1)
    if broken.any():
        item = int(broken.argmax())
        raise InputError(
            f"ctr.data.item_text: {type(source).__name__} gives no finite numbers for item "
            f"{prepared.items['item_id'][item]!r} ({texts[item]!r}); mend its text or choose another source."
        )
    known = written & vectors.any(axis=1)
    if not known.any():
        raise InputError(
            f"ctr.data.item_text: {type(source).__name__} knows no word of any item in {', '.join(columns)}; "
            "choose another source or other columns."
        )
    return _vectors_of("item_text", prepared.events["item"], vectors, known)


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
    return FeatureSchema(tuple(Field(column.name, column.size, column.vectors) for column in columns))


def _trained(prepared: PreparedData) -> NDArray[np.bool_]:
    return (prepared.events["split"] == TRAIN).to_numpy()


def _vectors_of(
    name: str, index: pl.Series, vectors: NDArray[np.floating], known: NDArray[np.bool_]
) -> Column:
    """A field whose value stands for row ``index`` of ``vectors`` [V, D], or for nothing unless ``known``."""
    value = np.where(known, known.cumsum(), 0)
    return Column(name, value[index.to_numpy()], int(known.sum()) + 1, _standardised(vectors[known]))


def _standardised(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    """[U, D] → [U + 1, D], the first row zero."""
    vectors = np.zeros((rows.shape[0] + 1, rows.shape[1]), dtype=np.float32)
    if len(rows):
        spread = rows.std(axis=0)
        vectors[1:] = (rows - rows.mean(axis=0)) / np.where(spread > 0, spread, 1)
    return vectors


def _known(name: str, cells: pl.Series, trained: NDArray[np.bool_]) -> Column:
    """Number the cells that have a TRAIN row from 1 in their sorted order; all others are 0."""
    rank = (cells.rank("dense") - 1).cast(pl.Int64).fill_null(-1).to_numpy()
    known = np.unique(rank[trained & (rank >= 0)])
    number = np.zeros(rank.max(initial=-1) + 2, dtype=np.int64)  # the last entry serves rank -1: null
    number[known] = np.arange(1, known.size + 1)
    return Column(name, number[rank], int(known.size) + 1)
