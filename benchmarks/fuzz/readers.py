"""Damaged logs in every format: the rows that are still whole as they were, or one sentence."""

from __future__ import annotations

import gzip
import random
import zlib
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.fuzz.case import Kind, Outcome, judge
from benchmarks.fuzz.damage import damage, damaged_bytes
from benchmarks.fuzz.logs import LOG, LOGS, Written
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.data.sources.source import Source
from userip_lightning.errors import InputError

#: More than any of these logs has rows.
MANY = 10_000
#: What editors, exports and attackers leave in a file.
_HOSTILE = (
    *(b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\r\n", b"\r", b"\n", b'"', b"'", b"{", b"}", b"[", b"]", b","),
    *(
        b"\\",
        b"\t",
        b"::",
        b"|",
        b";",
        b"null",
        b"NaN",
        b"Infinity",
        b"1e999",
        b"-1",
        b"-0",
        b"9" * 40,
        b"1.0",
    ),
    *(
        b"\xc3",
        b"\xed\xa0\x80",
        b"\\ud800",
        b"\\u0000",
        b"\xe2\x80\xa8",
        b"\x1a",
        b"\x85",
        b"\x1f\x8b",
        b"PK\x03\x04",
    ),
    *(
        b'{"a":' * 200,
        b"[" * 5000,
        b"__row",
        b"row_id",
        b"user_id",
        b"item_id",
        b"title",
        b"0.5\n",
        b": ",
        b"x" * 999,
    ),
    *(
        b"R",
        b"b",
        b".",
        b"\x80\x05",
        b"c\n",
        b"cos\nsystem\n",
        b"\n\n\n",
        b"user_id,item_id\n",
        b"2020-01-01",
    ),
)


class Read(NamedTuple):
    """What a reader gave: rows by their place, and how many rows of the log it left out."""

    rows: list[tuple[Any, ...]]
    rejected: int


def read(source: Source, log: str) -> Read:
    """All events as (row_id, user, item, rating, timestamp, review); damage must be told or counted."""
    with Rejects(limit=MANY) as rejects:
        frames = [block.events for block in source.blocks(rejects) if block.events is not None]
        rows = [row for frame in frames for row in frame.rows()]
        return Read([tuple(row[:6]) for row in rows], rejects.by_file[Path(log).name])


class Readers(Kind):
    """Bytes of a log's files."""

    name = "readers"

    def open(self, folder: Path) -> None:
        self.truth: dict[str, list[tuple[Any, ...]]] = {}
        for name, form in LOGS.items():
            place = folder / "whole" / str(random.getrandbits(64)) / name / "recbole"
            place.mkdir(parents=True)
            self.truth[name] = read(form.write(place, LOG), form.log).rows

    def run(self, seed: int, scratch: Path) -> Outcome:
        rng = self.random(seed)
        name = rng.choice(list(LOGS))
        form = LOGS[name]
        folder = scratch / "recbole"
        folder.mkdir()
        source = form.write(folder, LOG)
        before = _contents(folder / form.log)
        words = "; ".join(_damaged(folder, rng) for _ in range(rng.choice([1, 1, 1, 2, 4])))
        after = _contents(folder / form.log)
        return judge(
            f"{name}: {words}",
            lambda: _asked(source, form.log),
            lambda found: _differs(form, self.truth[name], found, before, after),
        )


def _asked(source: Source, log: str) -> Read:
    """Read block by block and as a whole; both have to agree where the whole can be had."""
    found = read(source, log)
    try:
        whole = source.read(max_bad_rows=MANY)
    except InputError:
        return found
    assert whole.events.height == len(found.rows), (
        f"{len(found.rows)} rows in blocks, {whole.events.height} in all"
    )
    return found


def _damaged(folder: Path, rng: random.Random) -> str:
    """One fault in one file; of a packed one inside or outside."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    if not files:
        return "nothing left"
    if rng.random() < 0.3:
        return damage(folder, rng)
    file = rng.choice(files)
    raw = file.read_bytes()
    inside = file.suffix == ".gz" and rng.random() < 0.7
    try:
        text = gzip.decompress(raw) if inside else raw
    except (OSError, EOFError, zlib.error):
        text, inside = raw, False
    changed, words = _hostile(text, rng) if rng.random() < 0.6 else damaged_bytes(text, rng)
    file.write_bytes(gzip.compress(changed) if inside else changed)
    return f"{file.relative_to(folder)}{' unpacked' if inside else ''}: {words}"


def _hostile(raw: bytes, rng: random.Random) -> tuple[bytes, str]:
    at = rng.randrange(len(raw) + 1)
    size, more = rng.choice([0, 0, 1, 3, 12]), rng.choice(_HOSTILE)
    if rng.random() < 0.3:  # a line of its own
        at = raw.rfind(b"\n", 0, at) + 1
        size, more = 0, more + b"\n"
    return raw[:at] + more + raw[at + size :], f"{size} bytes at {at} are {more!r:.40}"


def _contents(log: Path) -> dict[str, bytes]:
    files = [log] if log.is_file() else sorted(file for file in log.rglob("*") if file.is_file())
    return {str(file.relative_to(log.parent)): file.read_bytes() for file in files}


def _differs(
    form: Written,
    truth: list[tuple[Any, ...]],
    found: Read,
    before: dict[str, bytes],
    after: dict[str, bytes],
) -> str | None:
    places = [row[0] for row in found.rows]
    if places != sorted(set(places)):
        return f"row ids {places} do not grow"
    if before == after:
        return (
            None if found.rows == truth else f"other events though only other files are damaged: {found.rows}"
        )
    if not form.by_line or set(after) != set(before):
        return None
    (old,), (new,) = before.values(), after.values()
    return _line_by_line(form, truth, found, old, new)


def _line_by_line(
    form: Written, truth: list[tuple[Any, ...]], found: Read, old: bytes, new: bytes
) -> str | None:
    """Every line that is whole still gives its event, and every other one is an event or counted."""
    try:
        if form.log.endswith(".gz"):
            old, new = gzip.decompress(old), gzip.decompress(new)
    except (OSError, EOFError, zlib.error):
        return "read, though the archive is damaged"
    whole, left = _lines(old), _lines(new)
    if whole[: form.header] != left[: form.header]:
        return None
    events = dict(zip(whole[form.header :], (row[1:5] for row in truth), strict=True))
    expected = Counter(events[line] for line in left[form.header :] if line in events)
    missing = expected - Counter(row[1:5] for row in found.rows)
    if missing:
        return f"the event {next(iter(missing))} is whole and was not read"
    rows = len(left) - form.header
    if len(found.rows) + found.rejected != rows:
        return f"{len(found.rows)} events and {found.rejected} rejected of {rows} rows"
    return None


def _lines(raw: bytes) -> list[bytes]:
    text = raw.replace(b"\xef\xbb\xbf", b"").replace(b"\r\n", b"\n")  # files with marks may have been joined
    return [line for line in text.split(b"\n") if line.strip()]
