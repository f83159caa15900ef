"""Logs of known meaning in several formats, with odd cells and rows: every id, rating and time is right."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from benchmarks.fuzz.case import Kind, Outcome, judge
from benchmarks.fuzz.cells import ID, RATING, REJECTED, TIME, id_outcomes, rating_outcomes, time_outcomes
from benchmarks.fuzz.readers import Read, read
from userip_lightning.data.sources.movielens_csv import MovieLensCSV
from userip_lightning.data.sources.recbole import RecBole
from userip_lightning.data.sources.source import Source
from userip_lightning.data.sources.tabular import Tabular

NAMES = ("user_id", "item_id", "rating", "timestamp")
Row = list[Any]


class Form(NamedTuple):
    """A format with cells.

    Args:
        typed: whether cells have types.
        forbidden: characters that a cell cannot hold, nothing being quoted.
        low, high: of ratings.
        required: whether rating and time have to be there.
    """

    typed: bool = False
    forbidden: str = ""
    low: float = 1.0
    high: float = 5.0
    required: bool = False


FORMS = {
    "csv": Form(),
    "csv.gz": Form(),
    "tsv": Form(),
    "jsonl": Form(typed=True),
    "jsonl.gz": Form(typed=True),
    "parquet": Form(typed=True),
    "movielens_csv": Form(forbidden=',"\n\r\0', low=0.5, required=True),
    "recbole": Form(forbidden="\t\n\r\0", low=float("-inf"), high=float("inf")),
}


class Plan(NamedTuple):
    """A log as it is to be written, and what is right.

    Args:
        rows: cells.
        outcomes: of every row and column, the values that are right; ``REJECTED`` where the row may go.
        words: what is odd about it.
        may_refuse: whether all of it may be refused.
    """

    rows: list[Row]
    outcomes: list[list[set[Any]]]
    words: str
    may_refuse: bool


class Fields(Kind):
    """Cells, rows and whole columns."""

    name = "fields"

    def open(self, folder: Path) -> None:
        """Nothing: every case writes its own log."""

    def run(self, seed: int, scratch: Path) -> Outcome:
        rng = self.random(seed)
        name = rng.choice(list(FORMS))
        plan = _columns(rng) if name == "parquet" else _plan(name, FORMS[name], rng)
        source, log, how = _written(name, plan, rng, scratch)
        return judge(
            f"{name}: {plan.words}{how.words}",
            lambda: read(source, log),
            lambda found: _differs([*plan.outcomes, *how.more], found),
            plan.may_refuse,
        )


def _good(rng: random.Random) -> list[Row]:
    count = rng.choice([3, 6, 10])
    return [[f"u{n % 4}", f"i{n % 3}", 1 + n % 5, 1_600_000_000 + n] for n in range(count)]


def _outcomes(row: Row, form: Form, as_text: bool) -> list[set[Any]]:
    user, item, rating, time = row
    return [
        id_outcomes(user, as_text),
        id_outcomes(item, as_text),
        rating_outcomes(rating, form.low, form.high, form.required),
        time_outcomes(time, form.required),
    ]


def _plan(name: str, form: Form, rng: random.Random) -> Plan:
    """A log in which one to three cells are odd."""
    rows, words = _good(rng), []
    columns = (ID, ID, RATING, TIME)
    for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
        at, column = rng.randrange(len(rows)), rng.randrange(4)
        texts = [text for text in columns[column].texts if not set(text) & set(form.forbidden)]
        value = rng.choice([*columns[column].typed, *texts] if form.typed else texts)
        rows[at][column] = value
        words.append(f"row {at + 1} has {NAMES[column]} {value!r:.40}")
    outcomes = [_outcomes(row, form, not form.typed) for row in rows]
    # A time that is none may make a reader ask for its unit rather than leave rows out.
    doubtful = any(REJECTED in row[3] for row in outcomes)
    return Plan(rows, outcomes, ", ".join(words) or "nothing odd", doubtful)


def _columns(rng: random.Random) -> Plan:
    """A table of Parquet whose columns have other types."""
    rows = _good(rng)
    kind = rng.choice(list(_ID_TYPES))
    column = rng.randrange(2)
    values = [rng.choice(_ID_TYPES[kind][1]) for _ in rows]
    for row, value in zip(rows, values, strict=True):
        row[column] = value
    outcomes = [_outcomes(row, FORMS["parquet"], False) for row in rows]
    return Plan(rows, outcomes, f"{NAMES[column]} is {kind}: {values!r:.80}", kind in _NO_IDS)


#: A type of polars and values that it holds.
_ID_TYPES: dict[str, tuple[Any, list[Any]]] = {
    "String": (pl.String, ["a", "7.0", "7", "", None, "é", "x" * 257, "a\0", " a", "1e5", "007", "-3.0"]),
    "Int8": (pl.Int8, [7, -5, None, 0]),
    "Int64": (pl.Int64, [7, 2**53 + 1, -(2**63), None]),
    "UInt64": (pl.UInt64, [7, 2**64 - 1, None]),
    "Float64": (pl.Float64, [7.0, 7.5, float("nan"), None, float("inf"), 2.0**53, -0.0, 2.0**53 - 1]),
    "Float32": (pl.Float32, [7.0, 7.5, float("nan"), None, np.float32(2**24)]),
    "Categorical": (pl.Categorical, ["a", "7.0", None]),
    "Null": (pl.Null, [None]),
    "Boolean": (pl.Boolean, [True, False, None]),
    "List": (pl.List(pl.Int64), [[7], [], None]),
    "Binary": (pl.Binary, [b"7", b"\xff", None]),
    "Struct": (pl.Struct({"a": pl.Int64}), [{"a": 7}]),
}
_NO_IDS = ("Boolean", "List", "Binary", "Struct", "Null")


class How(NamedTuple):
    """What was done to the file as a whole: words, and outcomes of rows added at its end."""

    words: str
    more: list[list[set[Any]]]


_BAD_ROW = [{REJECTED}] * 4


def _written(name: str, plan: Plan, rng: random.Random, folder: Path) -> tuple[Source, str, How]:
    """The log in its format, its reader, its file's name, and what was done to the file."""
    if name == "parquet":
        _parquet(plan, folder / "log.parquet")
        return Tabular(str(folder / "log.parquet"), rating_range=(1, 5)), "log.parquet", How("", [])
    if name in ("jsonl", "jsonl.gz"):
        text, how = _json(plan.rows, rng)
        return _own(folder / f"log.{name}", text), f"log.{name}", how
    if name == "movielens_csv":
        (folder / "movies.csv").write_text("movieId,title,genres\ni0,Title,Drama\n")
        text, how = _text(plan.rows, ["userId", "movieId", "rating", "timestamp"], ",", False, rng)
        (folder / "ratings.csv").write_bytes(text)
        return MovieLensCSV(str(folder)), "ratings.csv", how
    if name == "recbole":
        header = ["user_id:token", "item_id:token", "rating:float", "timestamp:float"]
        text, how = _text(plan.rows, header, "\t", False, rng)
        file = folder / "toy" / "toy.inter"
        file.parent.mkdir()
        file.write_bytes(text)
        return RecBole(str(file.parent)), "toy.inter", how
    text, how = _text(plan.rows, list(NAMES), "\t" if name == "tsv" else ",", True, rng)
    return _own(folder / f"log.{name}", text), f"log.{name}", how


def _own(file: Path, text: bytes) -> Source:
    file.write_bytes(gzip.compress(text) if file.suffix == ".gz" else text)
    return Tabular(str(file), rating_range=(1, 5))


def _text(
    rows: list[Row], header: list[str], separator: str, quoted: bool, rng: random.Random
) -> tuple[bytes, How]:
    """Delimited text; ``quoted`` where fields may hold the separator."""
    table = [header, *(["" if cell is None else str(cell) for cell in row] for row in rows)]
    what = rng.choice(
        ["plain", "plain", "crlf", "mark", "no end", "blank", "all quoted", "again", "extra", "short"]
    )
    if what == "again":
        table.append(header)
    if what == "extra":
        table.append(["u1", "i1", "3", "1600000000", "x", "y"])
    if what == "short":
        table.append(["u1", "i1"])
    if quoted:
        handle = io.StringIO()
        quoting = csv.QUOTE_ALL if what == "all quoted" else csv.QUOTE_MINIMAL
        csv.writer(handle, delimiter=separator, lineterminator="\n", quoting=quoting).writerows(table)
        text = handle.getvalue()
    else:
        text = "".join(separator.join(row) + "\n" for row in table)
    return _around(text.encode("utf-8"), what), How(
        f"; {what}", [_BAD_ROW] * (what in ("again", "extra", "short"))
    )


def _json(rows: list[Row], rng: random.Random) -> tuple[bytes, How]:
    """JSON lines."""
    what = rng.choice(
        ["plain", "plain", "crlf", "mark", "no end", "blank", "keys", "order", "escaped", "line", "gap"]
    )
    lines = []
    for row in rows:
        pairs = [
            *zip(NAMES, row, strict=True),
            *([("more", {"a": [1, None]}), ("x", float("nan"))] if what == "keys" else []),
        ]
        if what == "order":
            rng.shuffle(pairs)
        if what == "gap":  # null and absent mean the same
            pairs = [pair for pair in pairs if pair[1] is not None]
        lines.append(json.dumps(dict(pairs), ensure_ascii=what == "escaped"))
    if what == "line":
        lines.append(
            rng.choice(["null", "[1, 2]", "7", '"a"', '{"user_id": "u1"', "{}", "x", '{"user_id": "u1"},'])
        )
    text = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass")
    return _around(text, what), How(f"; {what}", [_BAD_ROW] * (what == "line"))


def _around(text: bytes, what: str) -> bytes:
    """Line ends, a byte order mark and blank lines, which mean nothing."""
    if what == "crlf" and b"\r" not in text:
        return text.replace(b"\n", b"\r\n") if text.count(b'"') == 0 else text
    if what == "mark":
        return b"\xef\xbb\xbf" + text
    if what == "no end":
        return text.removesuffix(b"\n")
    return text + b"\n \n" if what == "blank" else text


def _parquet(plan: Plan, file: Path) -> None:
    kind = plan.words.split(" is ")[1].partition(":")[0]
    place = NAMES.index(plan.words.partition(" is ")[0])
    types: list[Any] = [pl.String, pl.String, pl.Int64, pl.Int64]
    types[place] = _ID_TYPES[kind][0]
    columns = [
        pl.Series(NAMES[at], [row[at] for row in plan.rows], dtype=types[at], strict=False) for at in range(4)
    ]
    pl.DataFrame(columns).write_parquet(file)


def _differs(outcomes: list[list[set[Any]]], found: Read) -> str | None:
    rows = [row[1:5] for row in found.rows]
    if len(rows) + found.rejected != len(outcomes):
        return f"{len(rows)} events and {found.rejected} rejected of {len(outcomes)} rows"
    return None if _fits(outcomes, rows) else f"{rows} of {[_shown(row) for row in outcomes]}"


def _fits(outcomes: list[list[set[Any]]], rows: list[tuple[Any, ...]]) -> bool:
    """Whether the rows that are left, in their order, are right: every other one may have gone."""
    reachable: set[int] = {0}  # how many of ``rows`` the rows so far may have become
    for right in outcomes:
        after: set[int] = set()
        for place in reachable:
            if any(REJECTED in cell for cell in right):
                after.add(place)
            if place < len(rows) and all(
                _in(value, cell) for value, cell in zip(rows[place], right, strict=True)
            ):
                after.add(place + 1)
        reachable = after
    return len(rows) in reachable


def _in(value: Any, right: set[Any]) -> bool:
    if isinstance(value, float):
        return any(
            isinstance(one, float | int) and abs(value - one) <= 1e-6 * max(1, abs(one)) for one in right
        )
    return value in right


def _shown(row: list[set[Any]]) -> list[list[Any]]:
    return [["rejected" if one is REJECTED else one for one in cell] for cell in row]
