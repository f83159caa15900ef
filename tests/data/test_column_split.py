import polars as pl
import pytest

from userip_lightning.data.column_split import ColumnSplit
from userip_lightning.errors import InputError


def events(*splits: str | None) -> pl.DataFrame:
    return pl.DataFrame({"row_id": range(7, 7 + len(splits)), "part": splits})


def test_usual_spellings_are_known() -> None:
    given = events("train", "VAL", "valid", "validation", "test", "support")
    split = ColumnSplit("part").assign(given, seed=0)
    assert split.name == "split"
    assert split.to_list() == ["train", "val", "val", "val", "test", "support"]


@pytest.mark.parametrize("name", [None, "dev", ""])
def test_anything_else_is_named_with_its_row(name: str | None) -> None:
    with pytest.raises(InputError, match=f"row 8 of the source has part {name!r}, expected train, val, test"):
        ColumnSplit("part").assign(events(name), seed=0)
