from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from tests.data.make_tiny import TINY
from userip_lightning.data.sources.movielens import MovieLens100K
from userip_lightning.data.sources.tabular import Tabular
from userip_lightning.errors import InputError

COLUMNS = {"user_id": "person", "item_id": "thing", "rating": "stars", "timestamp": "when"}


def log(folder: Path, text: str, name: str = "log.csv") -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def test_the_tiny_csv_is_the_tiny_movielens() -> None:
    folder = TINY / "csv"
    own = Tabular(
        str(folder / "events.csv"), COLUMNS, str(folder / "items.csv"), str(folder / "users.csv"), (1, 5)
    ).read()
    theirs = MovieLens100K(str(TINY / "ml-100k")).read()
    assert own.events.drop("review", "liked").equals(theirs.events.drop("review"))
    assert own.events["review"].null_count() == 0
    assert own.events["liked"].unique().sort().to_list() == ["0", "1"]
    assert own.items.drop("price_level").equals(theirs.items)
    assert own.users.columns == ["user_id", "age", "gender", "occupation", "hobby", "background"]


def test_two_columns_are_enough(tmp_path: Path) -> None:
    read = Tabular(log(tmp_path, "user_id,item_id\nu,a\nv,b\n")).read()
    assert read.events.rows() == [(0, "u", "a", None, None, None), (1, "v", "b", None, None, None)]
    assert read.items.rows() == [("a", None), ("b", None)]
    assert read.users.rows() == [("u",), ("v",)]


def test_titles_may_stand_in_the_log(tmp_path: Path) -> None:
    path = log(tmp_path, "user_id\titem_id\tname\nu\ta\tRoses\nv\ta\tRoses\n", "log.tsv")
    read = Tabular(path, {"title": "name"}).read()
    assert read.items.rows() == [("a", "Roses")]
    assert "title" not in read.events.columns


def test_parquet_keeps_numbers_and_dates(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"user_id": [7], "item_id": [9], "rating": [4.5], "timestamp": [datetime(2020, 1, 2)]}
    )
    frame.write_parquet(tmp_path / "log.parquet")
    events = Tabular(str(tmp_path / "log.parquet")).read().events
    assert events.row(0) == (0, "7", "9", 4.5, 1577923200, None)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("user_id,item_id,rating\nu,a,0\n", "row 1 has rating 0, expected 1 to 5"),
        ("user_id,item_id,rating\nu,a,3\nu,b,ok\n", "row 2 has rating 'ok', expected a number"),
        ("user_id,item_id\nu,a\nv\n", "row 2 has 1 fields, expected 2"),
        ("user_id,thing\nu,a\n", "column 'item_id' is missing, the file has user_id, thing"),
        ("user_id,item_id\nu,\n", "row 1 has an empty item_id"),
        ("user_id,item_id\n", "no interactions were found"),
        ("user_id,item_id,title\nu,a,Roses\nu,a,Hedge\n", "item_id 'a' comes twice with different contents"),
    ],
)
def test_bad_input_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        Tabular(log(tmp_path, text), rating_range=(1, 5)).read()


def test_a_mapped_column_must_exist(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"columns maps 'rating' to 'stars', which no file has"):
        Tabular(log(tmp_path, "user_id,item_id\nu,a\n"), {"rating": "stars"}).read()


@pytest.mark.parametrize("name", ["log.xlsx", "log.xml.gz", "log"])
def test_other_formats_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"is unknown; give the path of a \.csv"):
        Tabular(log(tmp_path, "x", name)).read()


def test_a_truncated_parquet_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    pl.DataFrame({"user_id": ["u"], "item_id": ["a"]}).write_parquet(path)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(InputError, match=r"log\.parquet: not a readable Parquet file"):
        Tabular(str(path)).read()


def test_categories_are_checked_as_text(tmp_path: Path) -> None:
    columns = {"user_id": ["u", "v\0"], "item_id": ["a", "b"], "rating": ["4", "5"], "liked": ["1", "0"]}
    kinds = {"user_id": pl.Categorical(), "item_id": pl.Enum(["a", "b"]), "rating": pl.Categorical()}
    pl.DataFrame(columns, schema_overrides=kinds).write_parquet(tmp_path / "log.parquet")
    source = Tabular(str(tmp_path / "log.parquet"))
    assert source.read(max_bad_rows=1).events.rows() == [(0, "u", "a", 4.0, None, None, "1")]
    with pytest.raises(InputError, match=r"log\.parquet: row 2 has a NUL character in user_id"):
        source.read()
