"""Objects in any layout are the rows of one log; what is no layout is named."""

import gzip
import json
from pathlib import Path

import polars as pl
import pytest

from userip_lightning.data.parsing import lines
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.data.sources.tabular import Tabular
from userip_lightning.errors import InputError

ROWS = [{"user_id": f"u{n % 3}", "item_id": n, "rating": n % 5 + 0.5, "tags": ["a]", "{"]} for n in range(40)]


def file(folder: Path, text: str) -> str:
    (folder / "log.json").write_text(text, encoding="utf-8")
    return str(folder / "log.json")


LAYOUTS = {
    "lines": "".join(json.dumps(row) + "\n" for row in ROWS),
    "lines after a blank one": "\ufeff\n" + "\n\n".join(map(json.dumps, ROWS)),
    "array": json.dumps(ROWS),
    "array, a line each": "[\n" + ",\n".join(map(json.dumps, ROWS)) + "\n]\n",
    "array, indented": "\ufeff" + json.dumps(ROWS, indent=2).replace("\n", "\r\n"),
    "indented": "\n".join(json.dumps(row, indent=1) for row in ROWS),
    "one behind the other": "".join(map(json.dumps, ROWS)),
    "with commas": ",\n".join(map(json.dumps, ROWS)),
    "two arrays": json.dumps(ROWS[:9]) + "\n" + json.dumps(ROWS[9:]),
}


@pytest.mark.parametrize("block", [7, 100, 16 << 20])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: str, block: int
) -> None:
    if not layout.startswith("lines"):  # the layout must show in the first block of lines
        monkeypatch.setattr(lines, "BLOCK_BYTES", block if block > 7 or layout[0] == "a" else 100)
    events = Tabular(file(tmp_path, LAYOUTS[layout])).read().events
    assert events["user_id"].to_list() == [row["user_id"] for row in ROWS]
    assert events["item_id"].to_list() == [str(row["item_id"]) for row in ROWS]
    assert events["rating"].to_list() == [row["rating"] for row in ROWS]
    assert events["tags"].unique().to_list() == ['["a]", "{"]']


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (json.dumps(ROWS)[:-1], "the JSON array does not end, the file breaks off in line 1"),
        (json.dumps(ROWS)[:-30], "object 40, which begins in line 1, is no JSON"),
        ('[{"user_id": 1,\n"item_id": 2},\n{"user_id": x}]', "object 2, which begins in line 3, is no JSON"),
        (
            json.dumps({"data": ROWS}),
            "all others in a list under 'data', expected an object a row; write them by",
        ),
        (
            json.dumps({"user_id": {"0": 1}, "item_id": {"0": 2}}),
            "a whole column under every key, expected an object a row; write it by pandas' to_json",
        ),
        (
            "{'user_id': 1}\n" * 2,
            r"\(the first is no JSON but a Python dictionary; write it with json\.dumps\)",
        ),
        ("[]", "none of its first 1000 lines is a JSON object"),
        ("", "the file is empty"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        Tabular(file(tmp_path, text)).read(max_bad_rows=100)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (
            "{'user_id': 1, 'item_id': 2}",
            r"row 2 is no JSON but a Python dictionary; write it with json\.dumps",
        ),
        (json.dumps(ROWS[:1]), "row 2 is a JSON array, expected one object"),
        (json.dumps(ROWS[0]) * 2, "row 2 has something behind its JSON object; put one object on a line"),
        ('{"user_id": 1, "item_id": 2, "rating": 1e999}', r"row 2 has a number beyond 1\.8e308 as rating"),
        (
            '{"user_id": 1, "item_id": 2, "rating": Infinity}',
            "row 2 has rating 'Infinity', expected a number",
        ),
    ],
)
def test_a_line_among_lines_is_named(tmp_path: Path, line: str, complaint: str) -> None:
    source = Tabular(file(tmp_path, f"{json.dumps(ROWS[0])}\n{line}\n{json.dumps(ROWS[1])}\n"))
    with pytest.raises(InputError, match=complaint):
        source.read()
    assert source.read(max_bad_rows=1).events["row_id"].to_list() == [0, 2]


def test_a_packed_array_with_bad_objects_keeps_its_rows(tmp_path: Path) -> None:
    rows = [ROWS[0], 7, {"user_id": "x"}, ROWS[1]]
    (tmp_path / "log.json.gz").write_bytes(gzip.compress(json.dumps(rows).encode()))
    with Rejects(2) as rejects:
        blocks = list(Tabular(str(tmp_path / "log.json.gz")).blocks(rejects))
    assert pl.concat([block.events for block in blocks])["row_id"].to_list() == [0, 3]
    assert rejects.count == 2


def test_an_array_with_bytes_that_are_no_text(tmp_path: Path) -> None:
    text = json.dumps(ROWS[:3]).encode().replace(b'"u1"', b'"u\xe9"')
    (tmp_path / "log.json").write_bytes(text)
    source = Tabular(str(tmp_path / "log.json"))
    with pytest.raises(InputError, match="row 2 is not utf-8 text"):
        source.read()
    assert source.read(max_bad_rows=1).events["row_id"].to_list() == [0, 2]
