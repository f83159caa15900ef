from pathlib import Path

import polars as pl

from tests.data.test_stored_log import Given, stored
from userip_lightning.data.duplicates import find_duplicates
from userip_lightning.data.sources.source import Block
from userip_lightning.schema import EVENT_COLUMNS

ROWS = [
    ("u", "a", 3.0, 7, "good"),
    ("u", "b", 3.0, 7, "good"),
    ("u", "a", 3.0, 8, "good"),
    ("u", "a", 3.0, 7, "bad"),
    ("v", "a", None, None, None),
    ("v", "a", None, None, "late"),
    ("u", "a", 3.0, 7, "worse"),
    ("u", "b", 2.0, 7, "good"),
]


def test_events_alike_but_for_their_review_are_duplicates(tmp_path: Path) -> None:
    frame = pl.DataFrame([(n, *row) for n, row in enumerate(ROWS)], schema=EVENT_COLUMNS, orient="row")
    again, first = find_duplicates(stored(tmp_path, Given(Block(frame))))
    same = ["user_id", "item_id", "rating", "timestamp"]
    brute = [n for n in range(len(ROWS)) if frame.select(same).row(n) in frame.select(same).head(n).rows()]
    assert again.tolist() == brute == [3, 5, 6]
    assert first.tolist() == [0, 4, 0]


def test_further_columns_count(tmp_path: Path) -> None:
    frame = pl.DataFrame([(n, *ROWS[0]) for n in range(3)], schema=EVENT_COLUMNS, orient="row")
    log = stored(tmp_path, Given(Block(frame.with_columns(place=pl.Series(["x", "y", "x"])))))
    assert find_duplicates(log).again.tolist() == [2]
