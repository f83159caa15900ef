"""A log as a DataFrame: ids and labels read, whatever is wrong with it said in a sentence."""

from __future__ import annotations

import polars as pl

from userip_lightning.errors import InputError
from userip_lightning.ids import ID, is_broken, read_ids
from userip_lightning.label_values import read_label

_IDS = ("user_id", "item_id")


def read_log(events: pl.DataFrame, explicit: bool) -> pl.DataFrame:
    """Ids as strings, null where missing, and Int64 labels; rows stay in order.

    Args:
        events: ``user_id``, ``item_id``, and ``label`` where ``explicit``.
        explicit: whether an event needs a label; elsewhere it is 1 unless a column says otherwise.

    Raises:
        InputError: a column is missing, or a row has a broken id or another label than 0 and 1.
    """
    for name in (*_IDS, "label") if explicit else _IDS:
        if name not in events.columns:
            raise InputError(
                f"events: column {name!r} is missing, there are {', '.join(events.columns)}; user_id, item_id"
                f"{' and label (1 liked, 0 not)' if explicit else ''} are needed."
            )
    for name in _IDS:
        _refuse_first(events, name, is_broken(name, events.schema[name]), ID)
    label = pl.lit(1)
    if "label" in events.columns:
        label = read_label("label", events.schema["label"])
        _refuse_first(
            events, "label", label.is_in([0.0, 1.0]).not_().fill_null(True), "1 for liked or 0 for not"
        )
    return events.select(*(read_ids(name, events.schema[name]) for name in _IDS), label=label.cast(pl.Int64))


def refuse_foreign(source: str, given: pl.Series, known: pl.Series) -> None:
    """Say that a log shares no item with a table.

    Args:
        source: where the log is from.
        given: ids of the log's items.
        known: ids of the table's items.

    Raises:
        InputError: always.
    """
    raise InputError(
        f"{source}: none of the items is in the table; the events have item_id {_shown(given)}, the "
        f"table has {_shown(known)}: give events of the catalogue that the bank was made from, with its ids."
    )


def _refuse_first(events: pl.DataFrame, name: str, wrong: pl.Expr, expected: str) -> None:
    found = events.select(pl.col(name), wrong=wrong).with_row_index().filter("wrong").head(1)
    if found.height:
        raise InputError(
            f"events: row {found['index'][0] + 1} has {name} {found[name][0]!r}, expected {expected}; "
            "mend or delete it."
        )


def _shown(ids: pl.Series) -> str:
    return ", ".join(map(repr, ids.drop_nulls().unique(maintain_order=True).head(3).to_list()))
