import numpy as np
import polars as pl
import pytest

from userip_lightning.artifact import Manifest, writing
from userip_lightning.errors import InputError
from userip_lightning.report.predictions import read_predictions


def test_rows_are_put_in_the_order_of_their_ids(write, log):
    read = read_predictions({"none": [write("none", 0, 1.0), write("none", 1, 1.0)]}, "test")["none"]
    expected = log.filter(pl.col("split") == "test")
    assert read.users.tolist() == expected["user_id"].to_list()
    assert read.label.tolist() == expected["label"].to_list()
    assert read.scores.shape == (2, 400)
    logit = np.log(read.scores / (1 - read.scores))
    assert np.corrcoef(logit[0], expected["truth"])[0, 1] > 0.9


def test_nan_score_is_refused_by_row(write, tmp_path):
    path = write("none", 0, 1.0)
    rows = pl.read_parquet(path / "predictions.parquet").with_columns(
        score=pl.when(pl.col("row_id") == 321).then(float("nan")).otherwise(pl.col("score"))
    )
    with writing(path, Manifest("ctr", "c", "d", 80)) as draft:
        rows.write_parquet(draft / "predictions.parquet")
    with pytest.raises(InputError, match=r"row_id 321 has score nan"):
        read_predictions({"none": [path]}, "test")


def test_validation_without_positives_is_refused_even_when_test_is_judged(write, log):
    label = pl.when(pl.col("split") == "val").then(0).otherwise(pl.col("label")).cast(pl.Int8)
    path = write("none", 0, 1.0, rows=log.with_columns(label=label))
    with pytest.raises(InputError, match=r"val rows have the labels \{0\}"):
        read_predictions({"none": [path]}, "test")


def test_runs_on_other_data_or_other_rows_are_refused(write, log):
    first = write("none", 0, 1.0)
    with pytest.raises(InputError, match="made from data other"):
        read_predictions({"none": [first], "codes": [write("codes", 0, 1.0, data_hash="other")]}, "test")
    with pytest.raises(InputError, match="rows differ"):
        read_predictions({"none": [first], "codes": [write("codes", 1, 1.0, rows=log.head(700))]}, "test")


def test_different_numbers_of_seeds_are_refused(write):
    runs = {"none": [write("none", 0, 1.0), write("none", 1, 1.0)], "codes": [write("codes", 0, 1.0)]}
    with pytest.raises(InputError, match=r"'none': 2, 'codes': 1"):
        read_predictions(runs, "test")
    with pytest.raises(InputError, match="at least one"):
        read_predictions({}, "test")


def test_an_absent_split_is_named(write):
    with pytest.raises(InputError, match="no rows of split 'tset'"):
        read_predictions({"none": [write("none", 0, 1.0)]}, "tset")


def test_a_duplicated_row_is_refused(write, log):
    path = write("none", 0, 1.0, rows=pl.concat([log, log.head(1)]))
    with pytest.raises(InputError, match="row_id occurs twice"):
        read_predictions({"none": [path]}, "test")


def test_a_missing_column_and_an_unreadable_file_are_named(tmp_path, log):
    for content, message in ((log.drop("truth"), "'score' is missing"), (b"not parquet", "not readable")):
        with writing(tmp_path / "run", Manifest("ctr", "c", "d", 80)) as draft:
            file = draft / "predictions.parquet"
            file.write_bytes(content) if isinstance(content, bytes) else content.write_parquet(file)
        with pytest.raises(InputError, match=message):
            read_predictions({"none": [tmp_path / "run"]}, "test")
