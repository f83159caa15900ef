from pathlib import Path

import polars as pl
import pytest

from userip_lightning.data.sources.parquet_folder import folder_identity, read_parquet_folder
from userip_lightning.data.sources.tabular import Tabular
from userip_lightning.errors import InputError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for day, users in (("2", ["c"]), ("1", ["a", "b"])):
        (tmp_path / f"log/day={day}").mkdir(parents=True)
        frame = pl.DataFrame({"who": users, "item_id": ["x"] * len(users)})
        frame.write_parquet(tmp_path / f"log/day={day}/part-0.parquet")
    return tmp_path / "log"


def test_partitions_are_read_in_order_and_are_columns(folder: Path) -> None:
    read = Tabular(str(folder), {"user_id": "who"}).read()
    assert read.events.select("row_id", "user_id", "item_id", "day").rows() == [
        (0, "a", "x", "1"),
        (1, "b", "x", "1"),
        (2, "c", "x", "2"),
    ]


def test_partitions_by_id_keep_their_leading_zeros(tmp_path: Path) -> None:
    for user in ("7", "007"):
        (tmp_path / f"log/user_id={user}").mkdir(parents=True)
        pl.DataFrame({"item_id": ["x"]}).write_parquet(tmp_path / f"log/user_id={user}/part-0.parquet")
    assert sorted(Tabular(str(tmp_path / "log")).read().events["user_id"]) == ["007", "7"]


def test_identity_follows_names_and_contents(folder: Path, tmp_path: Path) -> None:
    before = folder_identity(folder)
    (folder / "_SUCCESS").touch()
    assert folder_identity(folder) == before
    folder.rename(tmp_path / "moved")
    assert folder_identity(tmp_path / "moved") == before
    (tmp_path / "moved/day=2").rename(tmp_path / "moved/day=3")
    assert folder_identity(tmp_path / "moved") != before


def test_an_empty_or_damaged_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty: no \.parquet file in this folder or below it"):
        Tabular(str(tmp_path / "empty")).read()
    (folder / "day=2/part-0.parquet").write_bytes(b"PAR1, no more")
    with pytest.raises(
        InputError, match=r"log: not readable as one Parquet table \(.*\); write its files again"
    ):
        list(read_parquet_folder(folder))


def test_files_of_different_columns_are_refused(folder: Path) -> None:
    pl.DataFrame({"who": [1], "item_id": ["x"]}).write_parquet(folder / "day=2/part-0.parquet")
    with pytest.raises(InputError, match="not readable as one Parquet table"):
        list(read_parquet_folder(folder))


@pytest.mark.parametrize("address", ["s3:///", "nowhere://bucket/log/"])
def test_an_address_that_leads_nowhere_is_one_sentence(address: str) -> None:
    for attempt in (Tabular(address).read, Tabular(address).identity):
        with pytest.raises(
            InputError, match=r"cannot be reached or read \(.*\); check the address"
        ) as caught:
            attempt()
        assert "\n" not in str(caught.value)


def test_an_empty_table_is_one_empty_block(tmp_path: Path) -> None:
    pl.DataFrame(schema={"user_id": pl.String(), "item_id": pl.String()}).write_parquet(
        tmp_path / "a.parquet"
    )
    (frame,) = read_parquet_folder(tmp_path)
    assert frame.is_empty()
    with pytest.raises(InputError, match="no interactions were found"):
        Tabular(str(tmp_path)).read()
