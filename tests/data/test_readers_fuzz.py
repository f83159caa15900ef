"""Any bytes give rows or one clear sentence: no traceback, and no row that vanishes without being counted."""

from __future__ import annotations

import contextlib
import gzip
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.data.formats import FORMATS, Event, Format, Log
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.data.sources.source import Source
from userip_lightning.errors import InputError

#: Examples of every case. The few of a usual run are the same each time; FUZZ_EXAMPLES=1000 looks further.
EXAMPLES = os.environ.get("FUZZ_EXAMPLES")
FUZZ = settings(
    max_examples=int(EXAMPLES or 12),
    derandomize=EXAMPLES is None,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
LOG = Log(
    [
        Event("ann", "p", 5, 1_600_000_000, "Good, very good"),
        Event("bob", "p", 1, 1_600_000_001, None),
        Event("ann", "q", 3, 1_600_000_002, 'So "so" it\'s'),
    ],
    {"p": "Pen & Ink", "q": "Quill (1995)"},
)
HOSTILE = st.sampled_from(
    [
        *(
            b"\x00",
            b"\xff\xfe",
            b"\xef\xbb\xbf",
            b"\r\n",
            b"\r",
            b"\n",
            b'"',
            b"'",
            b"{",
            b"}",
            b"[",
            b"]",
            b",",
        ),
        *(
            b"\\",
            b"\t",
            b"::",
            b"null",
            b"NaN",
            b"1e999",
            b"-1",
            b"9" * 40,
            b"\xc3",
            b"\xed\xa0\x80",
            b"\\ud800",
        ),
        *(
            b'{"a":' * 200,
            b"[" * 2000,
            b"__row",
            b"row_id",
            b"user_id",
            b"\x1f",
            b"\x8b",
            b"PK\x03\x04",
            b"c\n",
        ),
        *(
            b"\x85" * 50,
            b"R",
            b"b",
            b".",
            b"\x80\x05",
            b'"b":{}',
            b"\\u0000",
            b"\xe2\x80\xa8",
            b"0.5\n",
            b": ",
        ),
    ]
)


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """The file with a few places cut, doubled or overwritten; or something else altogether."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200) | HOSTILE)
    raw = whole
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(raw)))
        end = min(len(raw), start + draw(st.integers(0, 12)))
        middle = draw(HOSTILE | st.binary(max_size=4) | st.just(raw[start:end] * 3) | st.just(b""))
        raw = raw[:start] + middle + raw[end:]
    return raw


def read_or_refused(source: Source, rejects: Rejects) -> list[int] | InputError:
    """The row ids of a source, or why it cannot be read."""
    try:
        return [
            row
            for block in source.blocks(rejects)
            if block.events is not None
            for row in block.events["row_id"]
        ]
    except InputError as error:
        return error


def checked_read(source: Source) -> int | None:
    """Rows and rejected rows, or None where the source is refused; fails on anything else."""
    with Rejects(limit=10_000) as rejects:
        found = read_or_refused(source, rejects)
    with contextlib.suppress(InputError):
        source.read(max_bad_rows=10_000)
    if isinstance(found, InputError):
        assert "\n" not in str(found)
        assert str(found).endswith(".")
        return None
    assert found == sorted(set(found))
    return len(found) + rejects.count


def files_of(form: Format) -> list[str]:
    with TemporaryDirectory() as parent:
        folder = Path(parent) / "recbole"
        folder.mkdir()
        form.write(folder, LOG)
        return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


CASES = [(name, file) for name, form in FORMATS.items() for file in files_of(form)]


@pytest.mark.parametrize(("name", "file"), CASES)
@FUZZ
@given(data=st.data())
def test_any_bytes_give_rows_or_one_sentence(name: str, file: str, data: st.DataObject) -> None:
    with TemporaryDirectory() as parent:
        folder = Path(parent) / "recbole"
        folder.mkdir()
        source = FORMATS[name].write(folder, LOG)
        path = folder / file
        raw = path.read_bytes()
        if path.suffix == ".gz" and data.draw(st.booleans()):
            path.write_bytes(gzip.compress(data.draw(damaged(gzip.decompress(raw)))))
        else:
            path.write_bytes(data.draw(damaged(raw)))
        checked_read(source)


@pytest.mark.parametrize("name", ["amazon2014", "amazon2023", "yelp", "own_json", "movielens_1m", "recbole"])
@FUZZ
@given(lines=st.lists(HOSTILE | st.binary(max_size=30), min_size=1, max_size=6))
def test_every_line_is_a_row_or_a_rejected_row(name: str, lines: list[bytes]) -> None:
    """Lines that mean nothing stand among good ones; only blank ones may be passed over.

    A byte order mark at the beginning of a line, as where files were joined, is no text of the line; in
    Latin-1 it is three letters.
    """
    with TemporaryDirectory() as parent:
        folder = Path(parent) / "recbole"
        folder.mkdir()
        source = FORMATS[name].write(folder, LOG)
        path = folder / FORMATS[name].log
        good = path.read_bytes().split(b"\n")[:-1]
        header, good = (good[:1], good[1:]) if name == "recbole" else ([], good)
        path.write_bytes(b"\n".join([*header, good[0], *lines, *good[1:]]) + b"\n")
        text = path.read_bytes().replace(b"\r\n", b"\n")
        if name != "movielens_1m":
            text = text.replace(b"\n\xef\xbb\xbf", b"\n")
        body = text.split(b"\n")[len(header) :]
        assert checked_read(source) in (None, sum(bool(line.strip()) for line in body))
