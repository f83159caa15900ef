import json
from pathlib import Path

import polars as pl
import pytest

from userip_lightning.data.parsing.columns import ROW
from userip_lightning.data.parsing.json_lines import read_json_lines
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.errors import InputError

PAIRS = {"also": pl.List(pl.String())}


def read(folder: Path, text: str, rejects: Rejects | None = None, **given) -> pl.DataFrame:
    path = folder / "log.jsonl"
    path.write_text(text)
    return pl.concat(read_json_lines(path, "fetch it", rejects or Rejects(), ["id", "stars"], **given))


def test_values_are_strings_whatever_their_type(tmp_path: Path) -> None:
    text = '{"id": "a", "stars": 5.0, "more": {"x": [1]}}\n{"stars": "4", "id": 7}\n{"id": null}\n'
    frame = read(tmp_path, text)
    assert frame.columns == [ROW, "id", "stars"]
    assert frame.rows() == [(0, "a", "5"), (1, "7", "4"), (2, None, None)]


def test_nested_fields_have_a_type(tmp_path: Path) -> None:
    text = '{"id": "a", "also": ["b", "c"]}\n{"id": "d"}\n{"id": "e", "also": "f"}\n'
    rejects = Rejects(1)
    assert read(tmp_path, text, rejects, nested=PAIRS)["also"].to_list() == [["b", "c"], None]
    with pytest.raises(InputError, match="row 3 has 'f' as also, expected a list"):
        read(tmp_path, text, nested=PAIRS)


def test_bad_lines_are_found_among_many(tmp_path: Path) -> None:
    lines = [json.dumps({"id": str(number), "stars": 3}) for number in range(1000)]
    for row, bad in ((0, "{"), (17, "[1]"), (18, '{"id": ["x"]}'), (500, "null"), (999, '{"id": nul}')):
        lines[row] = bad
    with Rejects(5, tmp_path / "rejected.jsonl") as rejects:
        frame = read(tmp_path, "\n".join(lines), rejects)
    kept = [row for row in range(1000) if row not in (0, 17, 18, 500, 999)]
    assert frame[ROW].to_list() == kept
    assert frame["id"].to_list() == [str(row) for row in kept]
    listed = pl.read_ndjson(tmp_path / "rejected.jsonl").sort("row")
    assert listed["row"].to_list() == [1, 18, 19, 501, 1000]
    assert listed["raw"].to_list() == ["{", "[1]", '{"id": ["x"]}', "null", '{"id": nul}']
    assert listed["reason"][2] == "has a list as id, expected one value"


def test_a_string_may_look_like_a_list(tmp_path: Path) -> None:
    assert read(tmp_path, '{"id": "[a]"}\n')["id"].to_list() == ["[a]"]


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("true", "row 2 has true as id, expected text or a whole number"),
        ("1.5", r"row 2 has 1\.5 as id, expected text or a whole number"),
        ("9007199254740993.0", "row 2 has 9007199254740992.0 as id, .* below 2.53 if a float"),
        ("1e30", r"row 2 has 1e\+30 as id"),
        ("-Infinity", "row 2 has -inf as id"),
        (
            '{"$oid": "x"}',
            r"an object as id, expected one value \(jq -c '\.id = \.id\.\"\$oid\"' writes one\)",
        ),
    ],
)
def test_an_id_has_the_type_of_one(tmp_path: Path, value: str, complaint: str) -> None:
    text = (
        f'{{"id": 7.0}}\n{{"id": {value}}}\n{{"id": "1.5"}}\n{{"id": "true"}}\n{{"id": 9007199254740993}}\n'
    )
    with pytest.raises(InputError, match=complaint):
        read(tmp_path, text, ids=["id"])
    read_on = read(tmp_path, text, Rejects(1), ids=["id"])["id"].to_list()
    assert read_on == ["7", "1.5", "true", "9007199254740993"]
