import gzip
import json
from pathlib import Path

import pytest

from userip_lightning.data.sources.tabular import Tabular
from userip_lightning.errors import InputError

ROWS = [
    {"u": "a", "i": 7, "stars": "4.5", "tags": ["x", "y"], "review": "good"},
    {"u": "b", "i": 7, "liked": True},
]
COLUMNS = {"user_id": "u", "item_id": "i", "rating": "stars"}


def log(path: Path, *rows: object) -> str:
    text = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return str(path)


@pytest.mark.parametrize("name", ["log.jsonl", "log.json", "log.ndjson", "log.jsonl.gz"])
def test_keys_are_columns(tmp_path: Path, name: str) -> None:
    events = Tabular(log(tmp_path / name, *ROWS), COLUMNS).read().events
    names = ["row_id", "user_id", "item_id", "rating", "timestamp", "review", "tags", "liked"]
    assert events.select(names).rows() == [
        (0, "a", "7", 4.5, None, "good", '["x", "y"]', None),
        (1, "b", "7", None, None, None, None, "true"),
    ]


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ({"u": "a"}, "row 2 has an empty item_id"),
        ({"u": ["a"], "i": 1}, "row 2 has a list as u, expected one value"),
        ({"u": "a", "i": 1, "stars": "?"}, r"row 2 has rating '\?', expected a number"),
        ([1], "row 2 is a JSON array, expected one object"),
        (1, "row 2 is no JSON object"),
        ({"u": True, "i": 1}, "row 2 has true as u, expected text or a whole number"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, row: object, complaint: str) -> None:
    source = Tabular(log(tmp_path / "log.jsonl", ROWS[0], row), COLUMNS)
    with pytest.raises(InputError, match=complaint):
        source.read()
    assert source.read(max_bad_rows=1).events.height == 1


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[1]\n2\n", "none of its first 1000 lines is a JSON object"),
        ('{"__row": 1}\n', "the key '__row' is taken"),
        ('{"u": 1, "user_id": 2, "i": 3, "stars": 1}\n', "columns makes 'u' the column 'user_id', which"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "log.jsonl").write_text(text)
    with pytest.raises(InputError, match=complaint):
        Tabular(str(tmp_path / "log.jsonl"), COLUMNS).read()


def test_our_own_keys_are_read_wherever_they_appear(tmp_path: Path) -> None:
    rows = [{"user_id": "a", "item_id": n} for n in range(1000)]
    late = {"user_id": "a", "item_id": 1000, "rating": 4, "timestamp": 9, "review": "good", "liked": 1}
    events = Tabular(log(tmp_path / "log.jsonl", *rows, late)).read().events
    assert events.columns == ["row_id", "user_id", "item_id", "rating", "timestamp", "review"]
    assert events.row(1000) == (1000, "a", "1000", 4.0, 9, "good")
    assert events["rating"].null_count() == 1000
