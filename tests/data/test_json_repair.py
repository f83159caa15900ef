"""What Python writes and the standard does not know, and that nothing else of a line is touched."""

import json
from pathlib import Path

import pytest

from userip_lightning.data.parsing.json_repair import with_whole_characters, without_names
from userip_lightning.data.sources.tabular import Tabular
from userip_lightning.errors import InputError

SMILE = "\\ud83d\\ude00"


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        (f'"good {SMILE}"', f'"good {SMILE}"'),
        ('"cut \\ud83d"', '"cut \\ufffd"'),
        ('"\\ude00 cut"', '"\\ufffd cut"'),
        (f'"\\ud83d{SMILE}\\ude00"', f'"\\ufffd{SMILE}\\ufffd"'),
        ('"C:\\\\ud83d"', '"C:\\\\ud83d"'),
        ('"\\\\\\ud83d"', '"\\\\\\ufffd"'),
    ],
)
def test_half_characters_are_replaced(text: str, whole: str) -> None:
    assert with_whole_characters(text.encode()).decode() == whole
    json.loads(whole).encode()


def test_names_are_replaced_outside_of_strings() -> None:
    line = '{"a": NaN, "NaN": "NaN, \\"NaN", "b": [-Infinity,Infinity], "c": 9007199254740993}\n{"d": 1}'
    plain = without_names(line.encode()).decode()
    assert plain == (
        '{"a": null, "NaN": "NaN, \\"NaN", "b": ["-Infinity","Infinity"], "c": 9007199254740993}\n{"d": 1}'
    )


def test_a_log_as_python_writes_it(tmp_path: Path) -> None:
    rows = [
        {"user_id": 1, "item_id": 12345678901234567890123, "rating": float("nan"), "helpful": float("nan")},
        {"user_id": 1.0, "item_id": "NaN", "rating": 3, "review": "cut \ud83d", "helpful": float("inf")},
    ]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    events = Tabular(str(tmp_path / "log.jsonl")).read().events
    assert events.select("user_id", "item_id", "rating", "review").rows() == [
        ("1", "12345678901234567890123", None, None),
        ("1", "NaN", 3.0, "cut \ufffd"),
    ]


def test_an_id_with_half_a_character_is_rejected(tmp_path: Path) -> None:
    """Two such ids would become one."""
    ids = ["a\ud83d", "a\ufffd", "a"]
    lines = (json.dumps({"user_id": name, "item_id": 1, "review": "\ud83d"}) + "\n" for name in ids)
    (tmp_path / "log.jsonl").write_text("".join(lines))
    source = Tabular(str(tmp_path / "log.jsonl"))
    assert source.read(max_bad_rows=1).events["user_id"].to_list() == ["a\ufffd", "a"]
    with pytest.raises(InputError, match="row 1 has half of a character in user_id"):
        source.read()


@pytest.mark.parametrize("digits", ["9" * 38, "-" + "9" * 39, "1" * 255])
def test_integers_of_any_size_are_exact_ids(tmp_path: Path, digits: str) -> None:
    (tmp_path / "log.jsonl").write_text(f'{{"user_id": {digits}, "item_id": -0.0, "note": "a {digits} b"}}\n')
    read = Tabular(str(tmp_path / "log.jsonl")).read().events
    assert read.select("user_id", "item_id", "note").row(0) == (digits, "0", f"a {digits} b")


@pytest.mark.parametrize("layout", ["{}\n", "[{}]"])
def test_an_integer_that_python_refuses_is_a_long_id(tmp_path: Path, layout: str) -> None:
    (tmp_path / "log.json").write_text(layout.replace("{}", f'{{"user_id": {"9" * 5000}, "item_id": 1}}'))
    with pytest.raises(InputError, match="row 1 has more than 256 characters as user_id"):
        Tabular(str(tmp_path / "log.json")).read()
