import random
from pathlib import Path

import polars as pl
import pytest

from tests.data.make_tiny import TINY
from userip_lightning.data.labels import Implicit
from userip_lightning.data.preparation import Preparation
from userip_lightning.data.prepared import PreparedData, PreparedFiles
from userip_lightning.data.sources.movielens import MovieLens100K
from userip_lightning.data.sources.tabular import Tabular
from userip_lightning.data.splits import ColdUsers, Split
from userip_lightning.data.tools.split_file import GivenSplit, export_split
from userip_lightning.errors import InputError

FILMS = MovieLens100K(str(TINY / "ml-100k"))
COLUMNS = {"user_id": "person", "item_id": "thing", "rating": "stars", "timestamp": "when"}


def prepared(folder: Path, source: object = FILMS, split: Split | None = None, **given) -> Path:
    return Preparation(source, split=split or ColdUsers(support=4), **given).run(folder, lambda _: None)


@pytest.mark.parametrize("name", ["split.csv", "split.parquet"])
def test_a_split_can_be_repeated_on_the_log_in_another_format(tmp_path: Path, name: str) -> None:
    first = prepared(tmp_path, seed=3)
    file = export_split(PreparedFiles.open(first), tmp_path / name)
    own = Tabular(str(TINY / "csv" / "events.csv"), COLUMNS)
    again = prepared(tmp_path, own, GivenSplit(str(file)), seed=9)
    here, there = PreparedData.load(first).events, PreparedData.load(again).events
    assert here.select("row_id", "user_id", "split").equals(there.select("row_id", "user_id", "split"))


def test_sampled_negatives_are_not_in_the_file_and_are_drawn_again(tmp_path: Path) -> None:
    first = prepared(tmp_path, labels=Implicit())
    file = export_split(PreparedFiles.open(first), tmp_path / "split.csv")
    assert len(file.read_text().splitlines()) == 2 + 560
    again = prepared(tmp_path, split=GivenSplit(str(file)), labels=Implicit())
    assert PreparedData.load(first).events.equals(PreparedData.load(again).events)


def test_the_hash_is_that_of_the_file_not_of_the_path(tmp_path: Path) -> None:
    file = export_split(PreparedFiles.open(prepared(tmp_path)), tmp_path / "split.csv")
    copy = tmp_path / "copy.csv"
    copy.write_bytes(file.read_bytes())
    assert GivenSplit(str(copy)).identity() == GivenSplit(str(file)).identity()


def test_what_does_not_fit_is_said(tmp_path: Path) -> None:
    files = PreparedFiles.open(prepared(tmp_path))
    csv = export_split(files, tmp_path / "split.csv")
    with pytest.raises(InputError, match=r"split\.csv: made for other events than these"):
        prepared(tmp_path, split=GivenSplit(str(csv)), max_users=20)
    csv.write_text(csv.read_text().replace("train", "trial"))
    with pytest.raises(InputError, match=r"split\.csv: there is no split 'trial', only train, support"):
        prepared(tmp_path, split=GivenSplit(str(csv)))
    csv.write_text("nonsense\n1\n")
    with pytest.raises(InputError, match=r"split\.csv: "):
        prepared(tmp_path, split=GivenSplit(str(csv)))
    with pytest.raises(InputError, match=r"absent\.csv: no such file; give a"):
        prepared(tmp_path, split=GivenSplit(str(tmp_path / "absent.csv")))
    with pytest.raises(InputError, match=r"the ending is '\.txt', expected \.csv or \.parquet"):
        export_split(files, tmp_path / "split.txt")
    pl.DataFrame({"row_id": [1]}).write_parquet(tmp_path / "bad.parquet")
    with pytest.raises(InputError, match=r"bad\.parquet: no split that can be read"):
        prepared(tmp_path, split=GivenSplit(str(tmp_path / "bad.parquet")))


def test_a_damaged_file_gets_a_sentence(tmp_path: Path) -> None:
    whole = export_split(PreparedFiles.open(prepared(tmp_path)), tmp_path / "split.parquet").read_bytes()
    rng, events = random.Random(0), pl.DataFrame({"row_id": [1], "user": [0], "item": [0]})
    for _ in range(200):
        damaged = bytearray(whole)
        for _ in range(3):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        (tmp_path / "split.parquet").write_bytes(damaged)
        with pytest.raises(InputError):
            GivenSplit(str(tmp_path / "split.parquet")).assign(events, 0)
