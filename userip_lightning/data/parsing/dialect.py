"""How a delimited file is written: what stands between its fields, around them and for a decimal point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import polars as pl

from userip_lightning.data.parsing.columns import ROW, quoted, sift
from userip_lightning.data.parsing.delimited import read_table
from userip_lightning.data.parsing.encodings import require_encoding
from userip_lightning.data.parsing.lines import kind_of
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.errors import InputError

#: Files of a source that may differ in these settings.
FILES = ("log", "items", "users")
#: How a separator may be spelt where the character itself is hard to type.
_SPELT = {"\\t": "\t", "tab": "\t"}
_NUMBER = r"^(\s*[-+]?\d*),(\d*\s*)$"
_WHOLE = r"^(-?\d+),(0+)$"
_COMMAS = {"rating": _NUMBER, "timestamp": _NUMBER, "user_id": _WHOLE, "item_id": _WHOLE}
_Setting = TypeVar("_Setting")


class Dialect(NamedTuple):
    """How one file is written.

    Args:
        separator: between fields, one character or several; None takes a tab for ``.tsv``, else a comma.
        encoding: unless a byte order mark tells another.
        names: of the columns, where the file has no header.
        quote: one character around fields that hold a separator or a line break; empty: there is none. Files
            with a separator of several characters have none.
        decimal: ``.`` or ``,``.
    """

    separator: str | None = None
    encoding: str = "utf-8"
    names: tuple[str, ...] | None = None
    quote: str = '"'
    decimal: str = "."

    def separator_of(self, path: Path) -> str:
        """What stands between the fields of ``path``."""
        return self.separator or ("\t" if kind_of(path) == ".tsv" else ",")


def of_file(setting: _Setting | Mapping[str, _Setting], file: str, default: _Setting) -> _Setting:
    """The setting of one of :data:`FILES`: one value is for all, a mapping has one for each it names."""
    if not isinstance(setting, Mapping):
        return setting
    unknown = next((name for name in setting if name not in FILES), None)
    if unknown is not None:
        raise InputError(f"there is no file {unknown!r} to set; a mapping has {', '.join(FILES)} as keys.")
    return setting.get(file, default)


def checked(dialect: Dialect) -> Dialect:
    """``dialect`` with its separator as a character.

    Raises:
        InputError: a setting that no file can have.
    """
    separator = _SPELT.get(dialect.separator or "", dialect.separator)
    if separator is not None and (not separator or set(separator) & set("\n\r\0")):
        raise InputError(f"separator: {separator!r}, expected one or more characters of a line.")
    if len(dialect.quote) > 1 or dialect.quote in ("\n", "\r", "\0", separator or ","):
        raise InputError(
            f"quote: {dialect.quote!r}, expected one character other than the separator, or '' for none."
        )
    if dialect.decimal not in (".", ","):
        raise InputError(f"decimal: {dialect.decimal!r}, expected '.' or ','.")
    names = dialect.names
    if names is not None and (not names or len({*names, ROW}) <= len(names) or "" in names):
        raise InputError(
            f"names: {', '.join(names)}; every column needs a name of its own, also those nobody reads."
        )
    require_encoding(dialect.encoding)
    return dialect._replace(separator=separator)


def read_delimited(path: Path, advice: str, rejects: Rejects, dialect: Dialect) -> Iterator[pl.DataFrame]:
    """Blocks of rows as :func:`userip_lightning.data.parsing.delimited.read_table` gives them."""
    separator = dialect.separator_of(path)
    return read_table(
        path,
        advice,
        rejects,
        separator,
        quoted=bool(dialect.quote) and len(separator) == 1,
        names=dialect.names,
        encoding=dialect.encoding,
        quote=dialect.quote,
    )


def decimal_points(frame: pl.DataFrame, path: Path | str, rejects: Rejects) -> pl.DataFrame:
    """Ratings and timestamps with decimal commas as those with points; so are ids like ``7,0``.

    Args:
        frame: :data:`userip_lightning.data.parsing.columns.ROW` and our columns, as strings.
        path: the file, for messages.
        rejects: takes rows with a rating that has a point.

    Raises:
        InputError: more bad rows than allowed.
    """
    if "rating" in frame.columns:
        pointed = pl.col("rating").str.contains(r"^\s*[-+]?[\d,]*\.[\d,.]*\s*$")
        says = pl.format("has rating {}, expected a decimal comma", quoted("rating"))
        frame = sift(frame, [pl.when(pointed).then(says)], path, rejects)
    return frame.with_columns(
        pl.col(name).str.replace(pattern, "$1.$2")
        for name, pattern in _COMMAS.items()
        if name in frame.columns
    )


def names_of(
    setting: Sequence[str] | Mapping[str, Sequence[str]] | None, file: str
) -> tuple[str, ...] | None:
    """The names of a file's columns; a plain list is the log's."""
    nothing: Sequence[str] = ()
    if isinstance(setting, Mapping):
        return tuple(of_file(setting, file, nothing)) or None
    return None if setting is None or file != "log" else tuple(setting)
