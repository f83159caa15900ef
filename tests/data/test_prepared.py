from pathlib import Path

import pytest

from tests.data.make_tiny import TINY
from userip_lightning.artifact import Manifest, writing
from userip_lightning.data.preparation import Preparation
from userip_lightning.data.prepared import PreparedData
from userip_lightning.data.sources.movielens import MovieLens100K
from userip_lightning.data.splits import ColdUsers
from userip_lightning.data.statistics import table1
from userip_lightning.errors import InputError


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> PreparedData:
    source = MovieLens100K(str(TINY / "ml-100k"))
    cache = tmp_path_factory.mktemp("cache")
    return PreparedData.load(Preparation(source, split=ColdUsers(support=4)).run(cache, lambda _: None))


def test_rows_of_splits(prepared: PreparedData) -> None:
    parts = [prepared.rows(name) for name in ("train", "support", "val", "test")]
    assert sum(part.height for part in parts) == prepared.events.height
    both = prepared.rows("train", "support")
    assert both["row_id"].is_sorted()
    assert both.height == parts[0].height + parts[1].height


def test_judged_rows_are_validation_and_test(prepared: PreparedData) -> None:
    judged = prepared.judged_rows()
    assert judged.dtype.name == "int64"
    expected = {*prepared.rows("val")["row_id"], *prepared.rows("test")["row_id"]}
    assert set(judged.tolist()) == expected
    assert len(expected) == judged.size == 8 * 10


def test_table_1_counts_every_step(prepared: PreparedData) -> None:
    table = table1(prepared)
    assert table.columns == ["step", "interactions", "users", "items", "sparsity_percent"]
    assert table["step"].to_list() == ["read", "without duplicates", "4-core, fixed_point"]
    assert table.row(-1)[1:] == (560, 40, 40, 65.0)


def test_another_artifact_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no prepared artifact here"):
        PreparedData.load(tmp_path)
    with writing(tmp_path / "bank", Manifest("bank", "x", "y", 1)):
        pass
    with pytest.raises(InputError, match="a 'prepared' one was expected"):
        PreparedData.load(tmp_path / "bank")


def test_a_damaged_table_is_refused(tmp_path: Path) -> None:
    with writing(tmp_path / "prepared", Manifest("prepared", "x", "x", 1)) as folder:
        (folder / "events.parquet").write_bytes(b"PAR1 but no more")
    with pytest.raises(InputError, match=r"events\.parquet: damaged .*; delete .* and prepare again"):
        PreparedData.load(tmp_path / "prepared")
