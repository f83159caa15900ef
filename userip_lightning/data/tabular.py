"""A log of one's own, in CSV, TSV, JSON lines or Parquet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import polars as pl
from polars.selectors import categorical, enum

from userip_lightning.artifact import file_hash
from userip_lightning.data.columns import ROW, rename_columns, shape_side
from userip_lightning.data.dialect import (
    FILES,
    Dialect,
    checked,
    decimal_points,
    names_of,
    of_file,
    read_delimited,
)
from userip_lightning.data.events import shape_events
from userip_lightning.data.json_table import read_json_table
from userip_lightning.data.lines import kind_of, require_file
from userip_lightning.data.parquet_blocks import read_parquet
from userip_lightning.data.parquet_folder import (
    folder_identity,
    is_parquet_folder,
    place,
    read_parquet_folder,
)
from userip_lightning.data.rejects import Rejects
from userip_lightning.data.source import Block, Source
from userip_lightning.data.suggestions import suggesting
from userip_lightning.errors import InputError
from userip_lightning.schema import EVENT_COLUMNS

_ADVICE = (
    "give the path of a .csv, .tsv, .jsonl or .parquet file (all but .parquet may be packed, as .csv.gz is), "
    "or a folder or an address with Parquet files; any other text table needs `separator`"
)
_JSON = (".jsonl", ".ndjson", ".json")
_OTHERS = (*_JSON, ".parquet")
_OURS = (*EVENT_COLUMNS, "title")
_OPTIONAL = ("rating", "timestamp", "review")


class Tabular(Source):
    """One row per event; ``user_id`` and ``item_id`` are required, everything else is optional.

    Without ``items_path`` the items are those of the log, titled by its ``title`` column if it has one.
    Columns of the log that are not our own (a label, say) are kept as they are.

    Args:
        path: the log: a file whose ending tells its format, or Parquet in many files, as a folder or an
            address (:mod:`userip_lightning.data.parquet_folder`).
        columns: our column name to the file's, for all three files; names that agree need no entry.
        items_path: one row per item: ``item_id``, ``title`` and further text attributes.
        users_path: one row per user: ``user_id`` and further text attributes.
        rating_range: lowest and highest rating that is possible; None accepts any number.
        separator: between the fields of delimited files, one character or several (`;`, `::`). None is a tab for
            .tsv and a comma for .csv; a file with another ending is read as delimited where this is set.
        encoding: of delimited files: cp1252 for Windows in Western Europe, latin-1, utf-16. A byte order mark
            outweighs it.
        names: of the columns of a delimited file without a header, in their order. A list is the log's.
        quote: the character around fields that hold separators or line breaks; '' where quotes are text.
        decimal: the sign before the decimals of ratings: `,` for 4,5. These five may also be a mapping with
            the keys log, items and users, where the files differ.
    """

    def __init__(
        self,
        path: str,
        columns: Mapping[str, str] | None = None,
        items_path: str | None = None,
        users_path: str | None = None,
        rating_range: tuple[float, float] | None = None,
        separator: str | dict[str, str] | None = None,
        encoding: str | dict[str, str] = "utf-8",
        names: list[str] | dict[str, list[str]] | None = None,
        quote: str | dict[str, str] = '"',
        decimal: str | dict[str, str] = ".",
    ) -> None:
        self.path = place(path)
        self.columns = dict(columns or {})
        self.items_path = place(items_path) if items_path else None
        self.users_path = place(users_path) if users_path else None
        self.rating_range = rating_range
        self.dialects = {
            file: checked(
                Dialect(
                    of_file(separator, file, None),
                    of_file(encoding, file, "utf-8"),
                    names_of(names, file),
                    of_file(quote, file, '"'),
                    of_file(decimal, file, "."),
                )
            )
            for file in FILES
        }

    @property
    def origin(self) -> str:
        return str(self.path)

    def table_origin(self, name: Literal["item", "user"]) -> str:
        return str((self.items_path if name == "item" else self.users_path) or self.path)

    def identity(self) -> dict[str, Any]:
        files = [p and _contents(p) for p in (self.path, self.items_path, self.users_path)]
        return {
            "class": "Tabular",
            "columns": self.columns,
            "range": self.rating_range,
            "files": files,
            "dialects": self.dialects,
        }

    def blocks(self, rejects: Rejects) -> Iterator[Block]:
        tables = {path: self._dialect(path) for path in self._paths() if kind_of(path) not in _OTHERS}
        with suggesting(tables, self.columns):
            yield from self._blocks(rejects)

    def _blocks(self, rejects: Rejects) -> Iterator[Block]:
        unseen = set(self.columns)
        for path, key, needed in (
            (self.items_path, "item_id", ["item_id", "title"]),
            (self.users_path, "user_id", ["user_id"]),
        ):
            for frame in self._frames(path, needed, rejects) if path else ():
                unseen -= set(frame.columns)
                side = shape_side(frame, key, path or self.path, rejects)
                yield Block(items=side) if key == "item_id" else Block(users=side)
        for frame in self._frames(self.path, ["user_id", "item_id"], rejects):
            unseen -= set(frame.columns)
            if unseen:
                ours = next(name for name in self.columns if name in unseen)
                found = ", ".join(name for name in frame.columns if name != ROW)
                raise InputError(
                    f"{self.path}: columns maps {ours!r} to {self.columns[ours]!r}, which no file has; "
                    f"the log has {found}."
                )
            yield self._block(frame, rejects)

    def _block(self, frame: pl.DataFrame, rejects: Rejects) -> Block:
        times = [name for name in ("timestamp",) if name in frame and frame[name].dtype.is_temporal()]
        frame = frame.with_columns(pl.col(name).dt.epoch("s") for name in times)
        events = shape_events(frame, self.path, rejects, self.rating_range)
        if "title" not in events.columns:
            return Block(events)
        items = None if self.items_path else events.select("item_id", pl.col("title").cast(pl.String))
        return Block(events.drop("title"), items)

    def _frames(self, path: Path | str, required: list[str], rejects: Rejects) -> Iterator[pl.DataFrame]:
        """Blocks with our column names."""
        commas = self._is_delimited(path) and self._dialect(path).decimal == ","
        for frame in self._parsed(path, rejects):
            named = rename_columns(frame, path, self.columns, required)
            if commas:
                named = decimal_points(named, path, rejects)
            for name, dtype in named.schema.items():
                if (path != self.path or name in _OURS) and not _is_plain(dtype):
                    raise InputError(
                        f"{path}: column {self.columns.get(name, name)!r} has type {dtype}, expected text, "
                        "numbers or dates; write it as one of these."
                    )
            yield named.with_columns((categorical() | enum()).cast(pl.String))

    def _parsed(self, path: Path | str, rejects: Rejects) -> Iterator[pl.DataFrame]:
        if is_parquet_folder(path):
            return read_parquet_folder(path)
        file = require_file(Path(path), _ADVICE)
        kind = kind_of(file)
        if self._is_delimited(file):
            return read_delimited(file, _ADVICE, rejects, self._dialect(path))
        if kind in _JSON:
            names = [self.columns.get(name, name) for name in _OURS]
            # A key that the file lacks but the settings name must be missed, so it is not among these.
            late = [name for name in _OPTIONAL if path == self.path and name not in self.columns]
            return read_json_table(file, _ADVICE, rejects, names, late)
        if kind == ".parquet":
            return read_parquet(file)
        raise InputError(f"{file}: the format {kind or 'without a suffix'!r} is unknown; {_ADVICE}.")

    def _paths(self) -> Iterator[Path]:
        for path in (self.path, self.items_path, self.users_path):
            if isinstance(path, Path):
                yield path

    def _is_delimited(self, path: Path | str) -> bool:
        if is_parquet_folder(path):
            return False
        kind = kind_of(Path(path))
        ours = kind in (".csv", ".tsv") or self._dialect(path).separator is not None
        return ours and kind not in _OTHERS

    def _dialect(self, path: Path | str) -> Dialect:
        files = {self.users_path: "users", self.items_path: "items", self.path: "log"}
        return self.dialects[files[path]]


def _contents(path: Path | str) -> Any:
    return folder_identity(path) if is_parquet_folder(path) else file_hash(require_file(Path(path), _ADVICE))


def _is_plain(dtype: pl.DataType) -> bool:
    """Whether every value is one text, number or point in time."""
    texts = (pl.String, pl.Categorical, pl.Enum, pl.Boolean, pl.Null, pl.Date, pl.Datetime)
    return dtype.is_numeric() or dtype in texts
