"""A log on disk is the log, whatever its blocks; a reader that breaks its promise is found out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from userip_lightning.data import stored_log
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.data.sources.source import Block, Source
from userip_lightning.data.sources.tabular import Tabular
from userip_lightning.data.stored_log import StoredLog, store
from userip_lightning.errors import InputError
from userip_lightning.schema import EVENT_COLUMNS


class Given(Source):
    """Blocks as they are."""

    def __init__(self, *given: Block, complete: bool = True, first: bool = False) -> None:
        self.given, self.complete_tables, self.first_row_wins = given, complete, first

    @property
    def origin(self) -> str:
        return "given"

    def identity(self) -> dict[str, Any]:
        return {}

    def blocks(self, rejects: Rejects) -> Iterator[Block]:
        yield from self.given


def events(*rows: tuple[int, str, str]) -> pl.DataFrame:
    filled = [(*row, float(row[0]), row[0] + 100, f"review {row[0]}") for row in rows]
    return pl.DataFrame(filled, schema=EVENT_COLUMNS, orient="row")


def items(*rows: tuple[str, str | None]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"item_id": pl.String, "title": pl.String}, orient="row")


def stored(folder: Path, source: Source) -> StoredLog:
    return store(source, folder, Rejects())


FIRST, SECOND = events((0, "u", "b"), (2, "é", "a")), events((3, "u", "a"), (7, "b", "c"))


@pytest.mark.parametrize("part_bytes", [1, 1 << 20])
def test_blocks_become_one_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part_bytes: int) -> None:
    monkeypatch.setattr(stored_log, "_PART_BYTES", part_bytes)
    log = stored(tmp_path, Given(Block(FIRST), Block(), Block(SECOND)))
    whole = pl.concat([FIRST, SECOND])
    assert log.scan().collect().equals(whole)
    assert log.row_id.tolist() == [0, 2, 3, 7]
    assert log.users["user_id"].to_list() == ["b", "u", "é"]
    assert log.items["item_id"].to_list() == ["a", "b", "c"]
    assert log.users["user_id"].gather(log.user).to_list() == whole["user_id"].to_list()
    assert log.items["item_id"].gather(log.item).to_list() == whole["item_id"].to_list()
    places = np.array([1, 3])
    assert log.gather(places, ["review", "rating"]).equals(whole[places].select("review", "rating"))
    assert log.gather(np.array([], dtype=np.int64), ["review"]).is_empty()


def test_a_log_without_tables_gets_rows_without_text(tmp_path: Path) -> None:
    log = stored(tmp_path, Given(Block(FIRST)))
    assert log.items.rows() == [("a", None), ("b", None)]
    assert log.users.columns == ["user_id"]


def test_tables_are_gathered_from_blocks_and_cut_to_what_occurs(tmp_path: Path) -> None:
    more = items(("b", "B"), ("a", "A")), items(("a", "A"), ("z", "Z"))
    log = stored(tmp_path, Given(Block(FIRST, more[0]), Block(items=more[1])))
    assert log.items.rows() == [("a", "A"), ("b", "B")]
    assert log.repeated == {"items": 0, "users": 0}


def test_what_a_table_lacks_is_refused_or_empty(tmp_path: Path) -> None:
    block = Block(FIRST, items(("b", "B")))
    with pytest.raises(InputError, match="given: item_id 'a' is missing from its table"):
        stored(tmp_path, Given(block))
    assert stored(tmp_path, Given(block, complete=False)).items.rows() == [("a", None), ("b", "B")]


def test_a_second_row_of_one_id_is_refused_or_counted(tmp_path: Path) -> None:
    block = Block(
        FIRST, items(("a", "A"), ("b", "B"), ("a", "other"), ("a", "third"), ("z", "1"), ("z", "2"))
    )
    with pytest.raises(
        InputError, match="given: item_id 'a' comes twice with different contents in the item"
    ):
        stored(tmp_path, Given(block))
    log = stored(tmp_path, Given(block, first=True))
    assert log.items.rows() == [("a", "A"), ("b", "B")]
    assert log.repeated == {"items": 2, "users": 0}


@pytest.mark.parametrize(
    "bad",
    [
        [FIRST, FIRST],
        [FIRST[::-1]],
        [FIRST.with_columns(user_id=pl.lit(None, dtype=pl.String))],
        [FIRST.drop("review")],
        [FIRST.with_columns(rating=pl.col("rating").cast(pl.Float64))],
        [FIRST, SECOND.with_columns(more=pl.lit(1))],
    ],
)
def test_a_reader_that_breaks_its_promise_is_found_out(tmp_path: Path, bad: list[pl.DataFrame]) -> None:
    with pytest.raises(InputError, match="mend the reader"):
        stored(tmp_path, Given(*map(Block, bad)))


def test_no_events_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="given: no interactions were found"):
        stored(tmp_path, Given(Block(FIRST.clear(), items(("a", "A")))))


def test_a_log_without_a_usable_row_says_why(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("user_id,item_id,timestamp\nu,a,1600000000000\nv,a,1600000000000\n")
    with pytest.raises(InputError, match=r"found; 2 rows cannot be used, the first is .*log\.csv: row 1 has"):
        Tabular(str(path)).read(max_bad_rows=2)
