"""Paths on this machine are never patterns."""

import re
from pathlib import Path

import polars as pl
import pytest

from userip_lightning import parquet

ROOT = Path(__file__).parent.parent / "userip_lightning"
#: Polars reads patterns in the paths that these get.
CALLS = re.compile(r"\b(?:pl|polars)\.(?:scan|read)_(?:parquet|csv|ndjson|ipc|lines)\w*|\bglob\.(?:i?glob)\b")
#: Who hands polars a path, and keeps it from looking for patterns; the others hand it bytes.
ALLOWED = {
    *("parquet.py", "data/parsing/parquet_child.py", "data/tools/split_file.py"),
    *("data/parsing/delimited.py", "data/parsing/json_lines.py", "data/parsing/foreign_parquet.py"),
}


@pytest.mark.parametrize("name", ["log [v2] *?", "~", "a{b,c}", "50%20#", "-x", "渋谷 $HOME", "key=1"])
def test_a_path_is_no_pattern(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    file = tmp_path / name / f"{name}.parquet"
    rows = pl.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    rows.write_parquet(file)
    for path in (file, file.relative_to(tmp_path)):
        assert parquet.read(path).equals(rows)
        assert parquet.read(path, ["b"]).columns == ["b"]
        assert parquet.scan(path).collect().equals(rows)
        assert parquet.scan([path, path]).collect().height == 4
        assert parquet.schema(path) == rows.schema


def test_nobody_else_hands_polars_a_path() -> None:
    found = {
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*.py")
        if CALLS.search(path.read_text(encoding="utf-8"))
    }
    assert found <= ALLOWED
