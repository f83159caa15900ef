"""What other libraries read is what the stages read."""

from pathlib import Path

import polars as pl
import pytest

from tests.data.make_tiny import TINY
from userip_lightning.data.preparation import Preparation
from userip_lightning.data.prepared import PreparedData, PreparedFiles
from userip_lightning.data.sources.movielens import MovieLens100K
from userip_lightning.data.sources.recbole import RecBole
from userip_lightning.data.splits import ColdUsers
from userip_lightning.data.tools.export_fuxictr import export_fuxictr
from userip_lightning.data.tools.export_recbole import export_recbole
from userip_lightning.errors import InputError


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> PreparedFiles:
    cache = tmp_path_factory.mktemp("cache")
    source = MovieLens100K(str(TINY / "ml-100k"))
    return PreparedFiles.open(Preparation(source, split=ColdUsers(support=4)).run(cache, lambda _: None))


def test_fuxictr_gets_every_row_of_a_split_with_its_attributes(files: PreparedFiles, tmp_path: Path) -> None:
    export_fuxictr(files, tmp_path / "films", ["genres", "gender"])
    data = PreparedData.load(files.path)
    for split, name in (("train", "train"), ("val", "valid"), ("test", "test"), ("support", "support")):
        found = pl.read_csv(tmp_path / "films" / f"{name}.csv", infer_schema=False)
        rows = data.rows(split).join(data.items, on="item_id", maintain_order="left")
        rows = rows.join(data.users, on="user_id", maintain_order="left")
        wanted = rows.select("label", "user_id", "item_id", "genres", "gender").cast(pl.String)
        assert found.equals(wanted)
    config = (tmp_path / "films" / "dataset_config.yaml").read_text()
    assert "\nfilms:\n" in config
    assert "{name: genres, active: true, dtype: str, type: categorical}" in config


def test_recbole_files_read_back(files: PreparedFiles, tmp_path: Path) -> None:
    export_recbole(files, tmp_path / "films", ["genres", "gender"])
    data = PreparedData.load(files.path)
    log = RecBole(str(tmp_path / "films")).read()
    names = ["user_id", "item_id", "rating", "timestamp"]
    assert log.events.select(names).equals(data.events.select(names))
    assert log.items.equals(data.items.select("item_id", "title", "genres"))
    parts = [
        pl.read_csv(tmp_path / "films" / f"films.{part}.inter", separator="\t") for part in ("valid", "test")
    ]
    assert [part.height for part in parts] == [data.rows(split).height for split in ("val", "test")]
    assert "benchmark_filename: [train, valid, test]" in (tmp_path / "films" / "films.yaml").read_text()


def test_an_attribute_that_nobody_has_is_named(files: PreparedFiles, tmp_path: Path) -> None:
    for export in (export_fuxictr, export_recbole):
        with pytest.raises(
            InputError, match="no attribute 'mood'; items have title, year, genres, users have"
        ):
            export(files, tmp_path / "films", ["mood"])
    assert list(tmp_path.iterdir()) == []


def test_attributes_are_named_once(files: PreparedFiles, tmp_path: Path) -> None:
    export_fuxictr(files, tmp_path / "films", ["genres", "genres"])
    header = (tmp_path / "films" / "test.csv").read_text().partition("\n")[0]
    assert header == "label,user_id,item_id,genres"
    both = files._replace(users=files.users.with_columns(genres=pl.lit("x")))
    with pytest.raises(InputError, match="items and users both have an attribute 'genres'"):
        export_fuxictr(both, tmp_path / "films", ["genres"])
