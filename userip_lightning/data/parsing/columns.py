"""What can be wrong with a value, as expressions that say so for a whole block at once.

A *fault* is an expression that is null for a good row and a verb phrase for a bad one (``has rating 'x',
expected a number``); :func:`sift` hands the bad rows to
:class:`userip_lightning.data.parsing.rejects.Rejects`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import polars as pl

from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.errors import InputError
from userip_lightning.ids import MAX_LENGTH, is_broken, read_ids

#: Column with the place of every row in its file, from 0; no file has a column of that name.
ROW = "__row"
#: Column with the seconds of every row's timestamp, while its row is checked.
SECONDS = "__seconds"


def require_columns(frame: pl.DataFrame, path: Path | str, required: Sequence[str]) -> pl.DataFrame:
    """``frame`` itself.

    Raises:
        InputError: one of the ``required`` columns is missing.
    """
    for name in required:
        if name not in frame.columns:
            raise InputError(
                f"{path}: column {name!r} is missing, the file has {listed(frame.columns)}; "
                "check the path and the column names."
            )
    return frame


def listed(columns: Sequence[str]) -> str:
    """A file's column names, for a sentence: the first twenty, each cut to what fits."""
    names = [name[:40] for name in columns if name != ROW]
    return ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")


def rename_columns(
    frame: pl.DataFrame, path: Path | str, columns: Mapping[str, str], required: Sequence[str]
) -> pl.DataFrame:
    """``frame`` with our column names.

    Args:
        frame: with the file's names.
        path: the file, for messages.
        columns: our name to the file's, where they differ; the file need not have all of them.
        required: our names that it must have.

    Raises:
        InputError: one of the ``required`` columns is missing, or two columns would bear one name.
    """
    require_columns(frame, path, [columns.get(name, name) for name in required])
    ours = {theirs: name for name, theirs in columns.items() if theirs in frame.columns}
    names = [ours.get(name, name) for name in frame.columns]
    again = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if again is not None:
        raise InputError(
            f"{path}: columns makes {columns[again]!r} the column {again!r}, which the file has "
            "already; rename that one in the file."
        )
    return frame.rename(ours)


def number(frame: pl.DataFrame, name: str) -> pl.Expr:
    """Column ``name``, strings or numbers, as Float64; null where it is empty, NaN or no number."""
    column = pl.col(name)
    if frame.schema[name] == pl.String:
        column = column.str.strip_chars()
    return column.cast(pl.Float64, strict=False).fill_nan(None)


def number_fault(frame: pl.DataFrame, name: str) -> pl.Expr:
    """Null, NaN and blank are good, anything else must be a finite number, and no boolean."""
    text = pl.col(name).cast(pl.String).str.strip_chars().str.to_lowercase()
    finite = number(frame, name).is_finite().fill_null(False) & (frame.schema[name] != pl.Boolean)
    bad = ~text.is_in(["", "nan"]) & ~finite
    return pl.when(bad).then(pl.format(f"has {name} {{}}, expected a number", quoted(name)))


def range_fault(frame: pl.DataFrame, name: str, low: float, high: float) -> pl.Expr:
    """A number must lie between ``low`` and ``high``."""
    bad = ~number(frame, name).is_between(low, high)
    expected = f"expected {low:.10g} to {high:.10g}"
    return pl.when(bad).then(pl.format(f"has {name} {{}}, {expected}", pl.col(name).cast(pl.String)))


def blank_fault(name: str) -> pl.Expr:
    """Null and blank are bad."""
    filled = pl.col(name).cast(pl.String).str.strip_chars() != ""
    return pl.when(~filled.fill_null(False)).then(pl.lit(f"has an empty {name}"))


def id_faults(frame: pl.DataFrame, name: str, path: Path | str) -> list[pl.Expr]:
    """Null, NaN and blank are bad, and so is what is no id (:mod:`userip_lightning.ids`).

    Text ``NaN`` is an id, unless the column has decimals as text (``7.0``): there it is a gap among numbers.

    Raises:
        InputError: the column holds neither strings nor numbers.
    """
    dtype, value = frame.schema[name], pl.col(name)
    broken = is_broken(name, dtype)
    text = value if dtype == pl.String else read_ids(name, dtype, str(path))
    missing = (text.str.strip_chars() == "").fill_null(True) & ~broken
    if dtype == pl.String:
        missing |= (value.str.to_lowercase() == "nan").fill_null(False) & value.str.ends_with(".0").any()
        reason = pl.lit(f"has more than {MAX_LENGTH} characters as {name}")
    else:
        limit = "2^24" if dtype == pl.Float32 else "2^53"
        expected = f"expected text or a whole number, below {limit} if a float"
        reason = pl.format(f"has {name} {{}}, {expected}", pl.col(name).cast(pl.String))
    nul = [nul_fault(name)] if dtype == pl.String else []
    return [pl.when(missing).then(pl.lit(f"has an empty {name}")), *nul, pl.when(broken).then(reason)]


def id_value(frame: pl.DataFrame, name: str, path: Path | str) -> pl.Expr:
    """A column of ids without faults, as the strings that :mod:`userip_lightning.ids` makes of them."""
    dtype = frame.schema[name]
    if dtype == pl.String and not frame[name].str.contains(".0", literal=True).any():
        return pl.col(name)  # looking for whole decimals would take some ten times as long
    return read_ids(name, dtype, str(path))


def nul_fault(name: str) -> pl.Expr:
    """A NUL character is bad: what follows it would be lost on the way through C."""
    bad = pl.col(name).str.contains("\0", literal=True)
    return pl.when(bad).then(pl.lit(f"has a NUL character in {name}"))


def quoted(name: str) -> pl.Expr:
    """A value in quotes, cut to what fits into a sentence."""
    return pl.format("'{}'", pl.col(name).cast(pl.String).str.head(40))


def shape_side(
    frame: pl.DataFrame,
    key: str,
    path: Path | str,
    rejects: Rejects,
    text: Callable[[int], str] | None = None,
) -> pl.DataFrame:
    """A block of an item or user table: every column a string, rows with an empty id or a NUL rejected.

    Args:
        frame: with :data:`ROW` and ``key``.
        key: ``item_id`` or ``user_id``.
        path: the file, for messages.
        rejects: takes the bad rows.
        text: as in :func:`sift`.

    Returns:
        ``frame`` without :data:`ROW`.

    Raises:
        InputError: more bad rows than allowed.
    """
    names = [name for name in frame.columns if name not in (ROW, key)]
    strings = frame.with_columns(pl.col(names).cast(pl.String))
    faults = [*id_faults(frame, key, path), *map(nul_fault, names)]
    good = sift(strings, faults, path, rejects, text)
    return good.with_columns(id_value(good, key, path)).drop(ROW)


def sift(
    frame: pl.DataFrame,
    faults: Sequence[pl.Expr],
    path: Path | str,
    rejects: Rejects,
    text: Callable[[int], str] | None = None,
) -> pl.DataFrame:
    """The rows without a fault, in their order.

    Args:
        frame: with :data:`ROW`, the place of every row in its file, from 0.
        faults: of several faults in one row the first is told.
        path: the file, for messages.
        rejects: takes the others, in order of the rows.
        text: the raw text of a row by its place in ``frame``; the row's values where None.

    Raises:
        InputError: more bad rows than allowed.
    """
    fault = frame.select(fault=pl.coalesce(*faults, pl.lit(None, dtype=pl.String)))["fault"]
    if fault.null_count() == fault.len():
        return frame
    plain = frame.drop(ROW, SECONDS, strict=False)
    for place in fault.is_not_null().arg_true():
        raw = text(place) if text else _values(plain.row(place))
        rejects.add(path, int(frame[ROW][place]), fault[place], raw)
    return frame.filter(fault.is_null())


def _values(row: tuple[object, ...]) -> str:
    return " | ".join("" if value is None else str(value) for value in row)
