from pathlib import Path

import polars as pl
import pytest

from userip_lightning.data.sources.amazon2018 import Amazon2018
from userip_lightning.data.sources.planted_files import write_planted
from userip_lightning.data.sources.synthesize import Planted
from userip_lightning.data.sources.tabular import Tabular
from userip_lightning.errors import InputError

PLANTED = Planted(users=30, rows_per_user=6, items_per_topic=70)


def quiet(_: str) -> None:
    """For runs whose report is not under test."""


def test_the_csv_shape_reads_back_as_it_was_drawn(tmp_path: Path) -> None:
    events, items, users = map(str, write_planted(PLANTED, tmp_path, "csv", report=quiet))
    read, drawn = Tabular(events, items_path=items, users_path=users).read(), PLANTED.read()
    for name in ("events", "items", "users"):
        assert getattr(read, name).equals(getattr(drawn, name))


def test_the_amazon_shape_is_read_by_its_reader(tmp_path: Path) -> None:
    reviews, meta, users = write_planted(PLANTED, tmp_path, "amazon", words=12, report=quiet)
    read, drawn = Amazon2018(str(reviews), str(meta)).read(), PLANTED.read()
    assert read.events.select("row_id", "rating", "timestamp").equals(
        drawn.events.select("row_id", "rating", "timestamp")
    )
    titles = [
        log.events.join(log.items, on="item_id", maintain_order="left")["title"] for log in (read, drawn)
    ]
    assert titles[0].equals(titles[1])
    assert all(a.startswith(b) for a, b in zip(read.events["review"], drawn.events["review"], strict=True))
    assert pl.read_csv(users, infer_schema=False).equals(drawn.users)


def test_files_that_exist_are_kept(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("mine")
    with pytest.raises(InputError, match=r"items\.csv: exists already"):
        write_planted(PLANTED, tmp_path, "csv", report=quiet)
    assert [path.name for path in tmp_path.iterdir()] == ["items.csv"]


def test_a_negative_length_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="words is -1, expected 0 or more"):
        write_planted(PLANTED, tmp_path, "amazon", words=-1, report=quiet)
