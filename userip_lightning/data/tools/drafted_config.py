"""A configuration for somebody's own log, drafted from its first rows, with comments on what was guessed."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import polars as pl

from userip_lightning.data.parsing.columns import ROW
from userip_lightning.data.parsing.dialect import Dialect, read_delimited
from userip_lightning.data.parsing.json_table import read_json_table
from userip_lightning.data.parsing.lines import kind_of, read_blocks, require_file
from userip_lightning.data.parsing.nested import kind_of_value, nested_value, one_value
from userip_lightning.data.parsing.parquet_blocks import read_parquet
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.data.parsing.sniff import Sniffed, sniff
from userip_lightning.data.sources.parquet_folder import is_parquet_folder, place, read_parquet_folder
from userip_lightning.data.tools.guessed_columns import (
    Guess,
    by_name,
    guess_columns,
    time_formats,
    time_unit,
)
from userip_lightning.errors import InputError

#: Rows that are looked at.
_ROWS = 1000
_ADVICE = "give the path of a log in CSV, TSV, JSON lines or Parquet"
_JSON = (".jsonl", ".ndjson", ".json")
_LABELS = "userip_lightning.data.labels."


class _Table(NamedTuple):
    frame: pl.DataFrame
    settings: dict[str, Any]
    remarks: dict[str, str]
    nested: Mapping[str, Mapping[str, Any] | list[Any]] = MappingProxyType({})  # with a value of each
    unread: tuple[str, ...] = ()  # columns of Parquet without one value in a row


def draft_config(path: str) -> str:
    """YAML with a section ``data`` that reads the log, and comments on what was guessed.

    Args:
        path: a file, or a folder or an address with Parquet files.

    Raises:
        InputError: it cannot be read as a table, or has fewer than two columns.
    """
    where = place(path)
    table = _table(where)
    frame = table.frame.head(_ROWS)
    if frame.is_empty() and not table.unread:
        raise InputError(f"{path}: there is a header and no row; give a log with one row per event.")
    guesses = guess_columns(frame.drop(table.nested), table.nested)
    if not {"user_id", "item_id"} <= {*guesses, *by_name([*table.nested])}:
        columns = ", ".join([*frame.columns, *table.unread])
        raise InputError(
            f"{path}: one row per event with a user and an item is needed, the columns are "
            f"{columns or 'none'}; check the path, or set separator yourself."
        )
    origin = where.absolute() if isinstance(where, Path) else where
    return "\n".join(_lines(str(origin), frame, table, guesses)) + "\n"


def _table(where: Path | str) -> _Table:
    if is_parquet_folder(where):
        return _parquet(read_parquet_folder(where))
    file = require_file(Path(where), _ADVICE)
    kind = kind_of(file)
    if kind == ".parquet":
        return _parquet(read_parquet(file))
    if kind in _JSON:
        frame = _first_rows(read_json_table(file, _ADVICE, Rejects(sys.maxsize), []))
        nested = {name: nested_value(frame[name].drop_nulls().to_list()) for name in frame.columns}
        found = {name: value for name, value in nested.items() if value is not None}
        return _Table(frame, {}, {}, found)
    return _delimited(file)


def _delimited(file: Path) -> _Table:
    seen = sniff(file, _ADVICE)
    if seen.separator is None:
        next(read_blocks(file, _ADVICE), None)  # says so of a file that is empty, damaged or no text
        if seen.first and not seen.rows:
            return _Table(pl.DataFrame(), {}, {})
        raise InputError(
            f"{file}: its lines have no separator that cuts them into the same number of fields; {_ADVICE}."
        )
    settings, remarks = dict(_settings(file, seen)), {}
    if seen.headless:
        remarks["names"] = "the first row looks like data, so the file has no header; these names are made up"
    elif seen.headless is None:
        remarks["path"] = "unsure: whether the first row is a header; it is read as one"
    names = tuple(settings.get("names", ())) or None
    dialect = Dialect(seen.separator, seen.encoding, names, seen.quote, seen.decimal)
    rows = _first_rows(read_delimited(file, _ADVICE, Rejects(sys.maxsize), dialect))
    return _Table(rows, settings, remarks)


def _parquet(frames: Iterator[pl.DataFrame]) -> _Table:
    frame = _first_rows(frames)
    unread = [name for name, dtype in frame.schema.items() if dtype.is_nested() or dtype == pl.Binary]
    return _Table(frame.drop(unread).cast(pl.String), {}, {}, unread=tuple(unread))


def _settings(file: Path, seen: Sniffed) -> Iterator[tuple[str, Any]]:
    usual = Dialect()
    if seen.separator != usual.separator_of(file) or kind_of(file) not in (".csv", ".tsv"):
        yield "separator", seen.separator
    if seen.encoding not in ("utf-8", "utf-16", "utf-32"):  # of the latter a byte order mark told
        yield "encoding", seen.encoding
    if seen.headless:
        yield "names", [f"column_{place}" for place in range(1, len(seen.first) + 1)]
    if seen.quote != usual.quote and len(seen.separator or "") == 1:
        yield "quote", seen.quote
    if seen.decimal != usual.decimal:
        yield "decimal", seen.decimal


def _first_rows(frames: Iterator[pl.DataFrame]) -> pl.DataFrame:
    found: list[pl.DataFrame] = []
    for frame in frames:
        found.append(frame.drop(ROW))
        if sum(part.height for part in found) >= _ROWS:
            break
    return pl.concat(found).head(_ROWS)


def _lines(origin: str, frame: pl.DataFrame, table: _Table, guesses: Mapping[str, Guess]) -> Iterator[str]:
    names = _renamed(table.settings, guesses)
    columns = {ours: guess.theirs for ours, guess in guesses.items() if ours != "label"}
    if names:
        columns = {}
    yield f"# What the first {frame.height:,} rows look like; read the lines marked unsure."
    yield "# Then: userip data head --config THIS_FILE, userip data stats --config THIS_FILE"
    yield "experiment: mine"
    yield "data:"
    yield "  source:"
    yield "    class_path: userip_lightning.data.sources.tabular.Tabular"
    yield "    init_args:"
    yield _setting("path", origin, table.remarks.get("path"))
    for name, value in table.settings.items():
        yield (
            _setting(name, names or value, table.remarks.get(name))
            if name == "names"
            else _setting(name, value)
        )
    changed = {ours: theirs for ours, theirs in columns.items() if ours != theirs}
    if changed:
        yield _setting("columns", changed)
    for ours, guess in guesses.items():
        mark = "" if guess.sure else "unsure: "
        yield f"      # {mark}{ours} is {_quoted(guess.theirs)}, for {guess.why}"
    yield from _nested(table.nested)
    if table.unread:
        unread = ", ".join(map(_quoted, table.unread))
        yield f"      # not read, for a row has no single value in it: {unread}"
    if "timestamp" in guesses:
        yield from _times(frame[guesses["timestamp"].theirs].drop_nulls().str.strip_chars().to_list())
    yield from _left_out(frame, guesses)
    yield "  k_core: 1  # fewest events of a user and of an item; the paper takes 4"
    yield from _labels(guesses)


def _nested(nested: Mapping[str, Mapping[str, Any] | list[Any]]) -> Iterator[str]:
    """Columns that cannot be read as one value, and how to get one."""
    wanted = {guess.theirs: ours for ours, guess in by_name([*nested]).items()}
    for name, value in nested.items():
        missing = f"{wanted[name]} is missing: " if name in wanted else ""
        yield f"      # {missing}{_quoted(name)} is {kind_of_value(value)}, not one value"
    objects = {name: value for name, value in nested.items() if isinstance(value, Mapping) and value}
    if objects:
        yield "      # for one value of each object, change this to what is wanted and sniff the new file:"
        yield f"      #   {one_value(objects)} FILE.jsonl > NEW.jsonl"


def _times(values: list[str]) -> Iterator[str]:
    unit, formats = time_unit(values), time_formats(values)
    if unit not in (None, "s"):
        yield _setting("timestamp_unit", unit, "by the size of the numbers")
    elif formats and unit is None:
        either = "unsure: these dates do not tell whether the day or the month comes first"
        yield _setting("timestamp_format", formats[0], either if len(formats) > 1 else None)


def _renamed(settings: Mapping[str, Any], guesses: Mapping[str, Guess]) -> list[str]:
    """Made-up names of a file without a header, ours where a column was recognized."""
    ours = {guess.theirs: name for name, guess in guesses.items()}
    return [ours.get(name, name) for name in settings.get("names", ())]


def _left_out(frame: pl.DataFrame, guesses: Mapping[str, Guess]) -> Iterator[str]:
    taken = {guess.theirs for guess in guesses.values()}
    others = [name for name in frame.columns if name not in taken]
    if others:
        yield f"      # kept for labels and splits: {', '.join(map(_quoted, others))}"
    if "title" not in guesses:
        yield "      # items_path: a table with item_id and title, for codes that know words"


def _labels(guesses: Mapping[str, Guess]) -> Iterator[str]:
    if "label" in guesses:
        column = guesses["label"].theirs
        column = "label" if column.startswith("column_") else column
        yield f"  labels: {{class_path: {_LABELS}GivenLabel, init_args: {{column: {_quoted(column)}}}}}"
    elif "rating" in guesses:
        yield f"  labels: {{class_path: {_LABELS}RatingThreshold}}  # 1 above a rating of 3"
    else:
        yield f"  labels: {{class_path: {_LABELS}Implicit}}  # what happened is 1, drawn items are 0"


def _setting(name: str, value: Any, remark: str | None = None) -> str:
    if isinstance(value, dict):
        text = "{" + ", ".join(f"{key}: {_quoted(item)}" for key, item in value.items()) + "}"
    elif isinstance(value, list):
        text = "[" + ", ".join(map(_quoted, value)) + "]"
    else:
        text = _quoted(value)
    return f"      {name}: {text}" + (f"  # {remark}" if remark else "")


def _quoted(text: str) -> str:
    """A string that is the same in YAML, on one line."""
    return json.dumps(text, ensure_ascii=False)
