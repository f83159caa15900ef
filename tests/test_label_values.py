import polars as pl
import pytest

from userip_lightning.label_values import read_label


@pytest.mark.parametrize(
    ("given", "dtype"),
    [
        ([True, False, None], pl.Boolean()),
        (["True", "FALSE", None], pl.String()),
        ([" true", "false ", "yes"], pl.String()),
        (["1", "0.0", ""], pl.String()),
        (["True", "False", None], pl.Categorical()),
        ([1, 0, None], pl.Int64()),
        ([1.0, 0.0, None], pl.Float32()),
    ],
)
def test_a_label_is_one_whatever_its_type(given: list[object], dtype: pl.DataType) -> None:
    frame = pl.DataFrame({"label": pl.Series(given, dtype=dtype)})
    assert frame.select(read_label("label", dtype))["label"].to_list() == [1.0, 0.0, None]


def test_other_numbers_stay_to_be_named() -> None:
    frame = pl.DataFrame({"label": ["2", "-1"]})
    assert frame.select(read_label("label", pl.String()))["label"].to_list() == [2.0, -1.0]
