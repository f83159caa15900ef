import json
from pathlib import Path

import polars as pl
import pytest

from userip_lightning.data.parsing import rejects as rejects_module
from userip_lightning.data.parsing.rejects import REJECTED, Rejects
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


@pytest.mark.parametrize(("name", "most"), [("MOST_LISTED", 3), ("MOST_BYTES", 200)])
def test_the_list_ends_some_time_and_says_how_many_are_not_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, most: int
) -> None:
    monkeypatch.setattr(rejects_module, name, most)
    with Rejects(100, tmp_path / "work.jsonl") as rejects:
        for row in range(100):
            rejects.add("log.csv", row, "is bad", "x" * 10_000_000 if row == 50 else "x")
        rejects.copy_to(tmp_path)
    listed = pl.read_ndjson(tmp_path / REJECTED)
    assert rejects.count == 100
    assert listed["row"][:3].to_list() == [1, 2, 3]
    assert listed.row(-1) == ("", None, f"{100 - (listed.height - 1)} further rows are not listed", "")


def test_what_holds_nothing_never_ends_the_run() -> None:
    rejects = Rejects(1)
    rejects.pass_over("log.csv", 0, "is a repeated header")
    rejects.pass_over("log.csv", 5, "is a repeated header")
    rejects.add("log.csv", 7, "is bad")
    assert (rejects.count, rejects.passed_over) == (3, 2)
    with pytest.raises(InputError, match="row 9 is bad"):
        rejects.add("log.csv", 8, "is bad")
