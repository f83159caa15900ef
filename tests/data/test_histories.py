import gzip
from pathlib import Path

import polars as pl
import pytest

from tests.data.make_tiny import TINY
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.data.sources.histories import Histories
from userip_lightning.data.sources.movielens import MovieLens100K
from userip_lightning.errors import InputError

HEADER = "user_id:token\titem_id_list:token_seq\titem_id:token\n"


def reader(folder: Path, lines: str, items: str = "1\tRoses\n2\tHedge\n3\tTulips\n") -> Histories:
    (folder / "histories.tsv").write_text(HEADER + lines)
    (folder / "items.tsv.gz").write_bytes(gzip.compress(f"item_id:token\ttitle:token_seq\n{items}".encode()))
    return Histories(str(folder / "histories.tsv"), str(folder / "items.tsv.gz"))


def test_a_history_becomes_events_in_order_with_the_last_item_last(tmp_path: Path) -> None:
    log = reader(tmp_path, "u\t2 1\t3\nv\t3\t3\n").read()
    assert log.events.select("row_id", "user_id", "item_id", "timestamp").rows() == [
        (0, "u", "2", 0),
        (1, "u", "1", 1),
        (2, "u", "3", 2),
        (3, "v", "3", 0),
        (4, "v", "3", 1),
    ]
    assert log.events["rating"].null_count() == log.events.height
    assert log.items.rows() == [("1", "Roses"), ("2", "Hedge"), ("3", "Tulips")]


def test_the_tiny_histories_are_the_tiny_ratings_in_order() -> None:
    folder = TINY / "histories"
    log = Histories(str(folder / "histories.tsv.gz"), str(folder / "items.tsv.gz")).read()
    ratings = MovieLens100K(str(TINY / "ml-100k")).read()
    assert log.events.select("row_id", "user_id", "item_id").equals(
        ratings.events.select("row_id", "user_id", "item_id")
    )


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ("u\t\t3\n", "no interactions were found; 1 histories of one event, left out"),
        ("\t\t3\n", "row 1 has an empty user_id"),
        ("u\t1 2\t\n", "row 1 has an empty item_id;"),
        ("u\t1\t2\nu\t2\t3\n", "user_id 'u' has two rows; join their histories"),
        ("u\t1 2 3\n", "row 1 has 2 fields, expected 3"),
        ("u\t1 9\t2\n", "item_id '9' is missing from its table"),
    ],
)
def test_a_bad_history_is_named(tmp_path: Path, lines: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        reader(tmp_path, lines).read()


def test_an_item_may_lack_its_title(tmp_path: Path) -> None:
    assert reader(tmp_path, "u\t1\t2\n", "1\t\n2\tHedge\n").read().items["title"].to_list() == [None, "Hedge"]


def test_a_truncated_download_is_refused(tmp_path: Path) -> None:
    source = reader(tmp_path, "u\t1\t2\n")
    packed = source.items_path.read_bytes()
    source.items_path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(InputError, match=r"items\.tsv\.gz: the gzip file is truncated or damaged"):
        source.read()


def test_a_history_of_one_event_is_left_out_and_counted(tmp_path: Path) -> None:
    source, rejects = reader(tmp_path, "u\t\t3\nv\t1\t2\nw\t \t1\n"), Rejects()
    events = [block.events for block in source.blocks(rejects) if block.events is not None]
    assert pl.concat(events).select("row_id", "user_id", "item_id").rows() == [(0, "v", "1"), (1, "v", "2")]
    assert rejects.skipped == {"histories of one event, left out": 2}
    assert rejects.count == 0


def test_decimals_are_integers_in_histories_too(tmp_path: Path) -> None:
    assert reader(tmp_path, "7.0\t2.0 1\t3.0\n").read().events.select("user_id", "item_id").rows() == [
        ("7", "2"),
        ("7", "1"),
        ("7", "3"),
    ]
