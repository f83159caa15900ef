import json
from pathlib import Path

import polars as pl
import pytest

from userip_lightning.data.rejects import REJECTED, Rejects
from userip_lightning.errors import InputError


def test_none_is_allowed_unless_asked_for() -> None:
    with pytest.raises(
        InputError, match=r"^log\.csv: row 3 has no id; mend or delete it, or raise data\.max"
    ):
        Rejects().add("log.csv", 2, "has no id")


def test_the_limit_is_exact_and_counts_are_by_file() -> None:
    rejects = Rejects(2)
    rejects.add("a/log.csv", 0, "is bad")
    rejects.add(Path("b/items.csv"), 0, "is bad")
    assert rejects.by_file == {"log.csv": 1, "items.csv": 1}
    with pytest.raises(InputError, match=r"one more than the 2 that data\.max_bad_rows allows"):
        rejects.add("a/log.csv", 1, "is bad")
    with pytest.raises(InputError, match="max_bad_rows is -1"):
        Rejects(-1)


def test_what_was_rejected_is_listed_with_its_beginning(tmp_path: Path) -> None:
    with Rejects(1, tmp_path / "work.jsonl") as rejects:
        rejects.add("log.csv", 0, "is bad", "é\n" + "x" * 1000)
        rejects.copy_to(tmp_path)
    listed = json.loads((tmp_path / REJECTED).read_text())
    assert listed == {"file": "log.csv", "row": 1, "reason": "is bad", "raw": "é\n" + "x" * 198}


def test_without_rejects_there_is_no_list(tmp_path: Path) -> None:
    with Rejects(1, tmp_path / "work.jsonl") as rejects:
        rejects.copy_to(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_bytes_that_are_no_text_do_not_spoil_the_list(tmp_path: Path) -> None:
    with Rejects(1, tmp_path / "work.jsonl") as rejects:
        rejects.add("log.csv", 0, "is not utf-8 text", b"caf\xe9".decode(errors="surrogateescape"))
    assert pl.read_ndjson(tmp_path / "work.jsonl")["raw"].to_list() == ["caf\\udce9"]
