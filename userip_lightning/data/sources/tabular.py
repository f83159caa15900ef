"""A log of one's own, in CSV, TSV, JSON lines or Parquet."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Literal

import polars as pl
from polars.selectors import categorical, enum

from userip_lightning.data.events import shape_events
from userip_lightning.data.parsing.columns import listed, rename_columns, shape_side
from userip_lightning.data.parsing.dialect import (
    FILES,
    Dialect,
    checked,
    decimal_points,
    names_of,
    of_file,
    read_delimited,
)
from userip_lightning.data.parsing.file_signs import require_text
from userip_lightning.data.parsing.json_table import read_json_table
from userip_lightning.data.parsing.lines import first_bytes, kind_of, require_file
from userip_lightning.data.parsing.parquet_blocks import read_parquet
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.data.parsing.suggestions import suggesting
from userip_lightning.data.parsing.times import TimestampUnit, time_rule
from userip_lightning.data.sources.parquet_folder import (
    folder_identity,
    is_parquet_folder,
    place,
    read_parquet_folder,
)
from userip_lightning.data.sources.source import Block, MissingRows, Source
from userip_lightning.errors import InputError
from userip_lightning.integrity import file_hash
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
            address (:mod:`userip_lightning.data.sources.parquet_folder`).
        columns: our column name to the file's, for all three files; names that agree need no entry.
        items_path: one row per item: ``item_id``, ``title`` and further text attributes.
        users_path: one row per user: ``user_id`` and further text attributes.
        rating_range: lowest and highest rating that is possible; None accepts any number.
        separator: between the fields of delimited files, one character or several (`;`, `::`). None is a tab
            for .tsv and a comma for .csv; a file with another ending is read as delimited where this is set.
        encoding: of delimited files: cp1252 for Windows in Western Europe, latin-1, utf-16. A byte order mark
            outweighs it.
        names: of the columns of a delimited file without a header, in their order. A list is the log's.
        quote: the character around fields that hold separators or line breaks; '' where quotes are text.
        decimal: the sign before the decimals of ratings: `,` for 4,5. These five may also be a mapping with
            the keys log, items and users, where the files differ.
        timestamp_unit: of timestamps that are numbers: ``s``, ``ms``, ``us`` or ``ns``. None takes them for
            seconds and rejects those that look like another unit. ISO 8601 and columns of dates need none.
        timestamp_format: of timestamps that are text of another kind, as in ``datetime.strptime``:
            ``%d/%m/%Y %H:%M``; without a zone it is UTC.
        items_columns: as ``columns``, for the items alone; what it does not name is looked up in ``columns``.
        users_columns: likewise for the users.
        missing_items: what becomes of items of the log without a row in ``items_path``: ``refuse`` the log,
            keep them with ``no_text``, or ``drop`` their events. What happened is counted.
        missing_users: likewise for users and ``users_path``.
    """

    missing_settings = {"item": "missing_items", "user": "missing_users"}  # noqa: RUF012

    path: Path | str  # type: ignore[assignment]  # a pattern, such as logs/*.parquet, is no Path

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
        timestamp_unit: TimestampUnit | None = None,
        timestamp_format: str | None = None,
        items_columns: Mapping[str, str] | None = None,
        users_columns: Mapping[str, str] | None = None,
        missing_items: MissingRows = "refuse",
        missing_users: MissingRows = "refuse",
    ) -> None:
        self.path = place(path)
        self.columns = dict(columns or {})
        self.items_columns, self.users_columns = dict(items_columns or {}), dict(users_columns or {})
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
        self.times = time_rule(timestamp_unit, timestamp_format)
        self.missing_items, self.missing_users = missing_items, missing_users
        for setting, named, file in (
            ("items", self.items_columns, items_path),
            ("users", self.users_columns, users_path),
        ):
            if named and not file:
                raise InputError(
                    f"{setting}_columns names columns of a file that is not given: set {setting}_path."
                )

    def table_origin(self, name: Literal["item", "user"]) -> str:
        return str((self.items_path if name == "item" else self.users_path) or self.path)

    def missing_rows(self, name: Literal["item", "user"]) -> MissingRows:
        return self.missing_items if name == "item" else self.missing_users

    def identity(self) -> dict[str, object]:
        files = [p and _contents(p) for p in (self.path, self.items_path, self.users_path)]
        return {
            "class": "Tabular",
            "columns": self.columns,
            "range": self.rating_range,
            "files": files,
            "dialects": self.dialects,
            "timestamps": self.times[:2],
            "table_columns": [self.items_columns, self.users_columns],
            "missing": [self.missing_items, self.missing_users],
        }

    def blocks(self, rejects: Rejects) -> Iterator[Block]:
        tables = {path: self._dialect(path) for path in self._paths() if kind_of(path) not in _OTHERS}
        with suggesting(tables, {**self.items_columns, **self.users_columns, **self.columns}):
            yield from self._blocks(rejects)

    def _blocks(self, rejects: Rejects) -> Iterator[Block]:
        unseen = set(self.columns)
        for path, key, needed, own in (
            (self.items_path, "item_id", ["item_id", "title"], self.items_columns),
            (self.users_path, "user_id", ["user_id"], self.users_columns),
        ):
            names = {**self.columns, **own}
            for frame in self._frames(path, needed, rejects, names) if path else ():
                _require_mapped(frame, path or self.path, f"{key.removesuffix('_id')}s_columns", own, own)
                unseen -= set(frame.columns) - set(own)
                side = shape_side(frame, key, path or self.path, rejects)
                yield Block(items=side) if key == "item_id" else Block(users=side)
        for frame in self._frames(self.path, ["user_id", "item_id"], rejects, self.columns):
            unseen -= set(frame.columns)
            _require_mapped(frame, self.path, "columns", self.columns, unseen)
            yield self._block(frame, rejects)

    def _block(self, frame: pl.DataFrame, rejects: Rejects) -> Block:
        events = shape_events(frame, self.path, rejects, self.rating_range, times=self.times)
        if "title" not in events.columns:
            return Block(events)
        items = None if self.items_path else events.select("item_id", pl.col("title").cast(pl.String))
        return Block(events.drop("title"), items)

    def _frames(
        self, path: Path | str, required: list[str], rejects: Rejects, columns: Mapping[str, str]
    ) -> Iterator[pl.DataFrame]:
        """Blocks with our column names."""
        commas = self._is_delimited(path) and self._dialect(path).decimal == ","
        for frame in self._parsed(path, rejects, columns):
            named = rename_columns(frame, path, columns, required)
            if commas:
                named = decimal_points(named, path, rejects)
            for name, dtype in named.schema.items():
                if (path != self.path or name in _OURS) and not _is_plain(dtype):
                    raise InputError(
                        f"{path}: column {columns.get(name, name)!r} has type {dtype}, expected text, "
                        "numbers or dates; write it as one of these."
                    )
            yield named.with_columns((categorical() | enum()).cast(pl.String))

    def _parsed(
        self, path: Path | str, rejects: Rejects, columns: Mapping[str, str]
    ) -> Iterator[pl.DataFrame]:
        if is_parquet_folder(path):
            return read_parquet_folder(path)
        file = require_file(Path(path), _ADVICE)
        kind = kind_of(file)
        if self._is_delimited(file):
            return read_delimited(file, _ADVICE, rejects, self._dialect(path))
        if kind in _JSON:
            names = [columns.get(name, name) for name in _OURS]
            # A key that the file lacks but the settings name must be missed, so it is not among these.
            late = [name for name in _OPTIONAL if path == self.path and name not in self.columns]
            return read_json_table(file, _ADVICE, rejects, names, late, names[1:3])
        if kind == ".parquet":
            return read_parquet(file)
        require_text(file, first_bytes(file, _ADVICE, 1 << 16))
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


def _require_mapped(
    frame: pl.DataFrame, path: Path | str, setting: str, columns: Mapping[str, str], ours: Collection[str]
) -> None:
    """``frame`` has our columns ``ours``, or no file has what ``columns`` calls so."""
    missing = next((name for name in columns if name in ours and name not in frame.columns), None)
    if missing is not None:
        raise InputError(
            f"{path}: {setting} maps {missing!r} to {columns[missing]!r}, which no file has; the "
            f"{'log' if setting == 'columns' else 'file'} has {listed(frame.columns)}."
        )


def _contents(path: Path | str) -> object:
    return folder_identity(path) if is_parquet_folder(path) else file_hash(require_file(Path(path), _ADVICE))


def _is_plain(dtype: pl.DataType) -> bool:
    """Whether every value is one text, number or point in time."""
    texts = (pl.String, pl.Categorical, pl.Enum, pl.Boolean, pl.Null, pl.Date, pl.Datetime)
    return dtype.is_numeric() or dtype in texts
