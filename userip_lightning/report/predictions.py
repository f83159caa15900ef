"""Predictions of CTR runs, read from their artifacts and checked before anything is computed from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from userip_lightning import parquet
from userip_lightning.artifact import read_manifest
from userip_lightning.errors import InputError
from userip_lightning.report.statistics.calibration import calibrated_scores
from userip_lightning.report.statistics.metrics import Floats
from userip_lightning.schema import VAL

FILE = "predictions.parquet"
COLUMNS = ("row_id", "user_id", "split", "label", "score")


class Predictions(NamedTuple):
    """One variant's scores of the N judged rows, in the order of their row ids."""

    users: NDArray[np.str_]  # [N]
    label: NDArray[np.int8]  # [N], 0 or 1
    scores: Floats  #           [S, N], probabilities, one row per trained seed
    calibrated: Floats  #       [S, N], the same, calibrated on the validation rows of each seed


class Rows(NamedTuple):
    """N judged rows, in the order of their row ids."""

    data_hash: str  #            of the prepared data that they were made from
    row_id: NDArray[np.int64]  # [N]
    users: NDArray[np.str_]  #   [N]
    label: NDArray[np.int8]  #   [N], 0 or 1


class Validation(NamedTuple):
    """A run's V validation rows, which calibrate its scores, in the order of their row ids."""

    row_id: NDArray[np.int64]  # [V]
    label: NDArray[np.int8]  #   [V], 0 or 1
    score: Floats  #             [V], probabilities

    def calibrate(self, scores: Floats) -> Floats:
        """Scores [N] of the same run, calibrated."""
        return calibrated_scores(self.score, self.label, scores)


class Run(NamedTuple):
    """One run's scores of its rows."""

    rows: Rows
    score: Floats  # [N], probabilities
    validation: Validation


def read_predictions(
    runs: Mapping[str, Sequence[Path]], split: str, users: pl.Series | None = None
) -> dict[str, Predictions]:
    """Read the runs of every variant.

    Args:
        runs: variant to its ctr artifacts, one per seed, the same seeds in the same order everywhere.
        split: which rows to keep; those of validation are calibrated on themselves.
        users: whose rows to keep, among the validation rows that calibrate as well; None for all.

    Raises:
        InputError: artifacts of different data, different numbers of seeds or different rows, a missing
            column, a score that is no probability, or a split with one class only.
    """
    counts = {variant: len(folders) for variant, folders in runs.items()}
    if not counts or min(counts.values()) == 0 or len(set(counts.values())) > 1:
        raise InputError(f"runs per variant are {counts}; give every variant the same seeds, at least one.")
    read = {
        variant: [read_run(Path(folder), split, users) for folder in folders]
        for variant, folders in runs.items()
    }
    first = next(iter(read.values()))[0].rows
    for variant, folders in runs.items():
        for folder, run in zip(folders, read[variant], strict=True):
            expect_same_rows(Path(folder), run.rows, first, split)
    return {
        variant: Predictions(
            first.users,
            first.label,
            np.stack([run.score for run in found]),
            np.stack([run.validation.calibrate(run.score) for run in found]),
        )
        for variant, found in read.items()
    }


def read_run(folder: Path, split: str, users: pl.Series | None = None) -> Run:
    """Read the judged rows of one run, in the order of their row ids; arguments as for read_predictions.

    Raises:
        InputError: no whole ctr artifact, a missing column, a row that occurs twice, a score that is no
            probability, no rows of ``split`` or of validation, or a split with one class only, validation
            included.
    """
    data_hash = read_manifest(folder, "ctr").data_hash
    tested = _probabilities(folder / FILE)
    if users is not None:
        tested = tested.filter(pl.col("user_id").is_in(users.implode()))
    rows, val = (_of_split(tested, name, folder / FILE) for name in (split, VAL))
    return Run(
        Rows(
            data_hash,
            rows["row_id"].to_numpy(),
            rows["user_id"].to_numpy().astype(np.str_),
            rows["label"].to_numpy(),
        ),
        rows["score"].to_numpy(),
        Validation(*(val[column].to_numpy() for column in ("row_id", "label", "score"))),
    )


def expect_same_origin(folder: Path, rows: Rows, other: Rows) -> None:
    """Refuse to compare runs of other data.

    Raises:
        InputError: other prepared data.
    """
    if rows.data_hash != other.data_hash:
        raise InputError(
            f"{folder}: made from data {rows.data_hash}, but the other runs are made from data "
            f"{other.data_hash}; run the ctr stage again for all of them on the same data."
        )


def expect_same_rows(folder: Path, rows: Rows, other: Rows, split: str) -> None:
    """Refuse to compare runs that were judged on other rows.

    Raises:
        InputError: other prepared data, or other rows, users or labels.
    """
    expect_same_origin(folder, rows, other)
    pairs = ((rows.row_id, other.row_id), (rows.users, other.users), (rows.label, other.label))
    if not all(np.array_equal(ours, theirs) for ours, theirs in pairs):
        raise InputError(
            f"{folder / FILE}: its {split} rows differ from those of the other runs; run the ctr stage again "
            "for all of them on the same data."
        )


def _of_split(tested: pl.DataFrame, split: str, file: Path) -> pl.DataFrame:
    rows = tested.filter(pl.col("split") == split).sort("row_id")
    if rows.is_empty():
        raise InputError(f"{file}: no rows of split {split!r}; run the ctr stage again with that split.")
    if rows["row_id"].n_unique() != rows.height:
        raise InputError(f"{file}: a row_id occurs twice; run the ctr stage again.")
    labels = set(rows["label"].to_list())
    if labels != {0, 1}:
        raise InputError(
            f"{file}: the {split} rows have the labels {labels}, but AUC needs 0 and 1 and both; "
            "choose another split or label rule."
        )
    return rows


def _probabilities(file: Path) -> pl.DataFrame:
    """The file's rows, with scores that are probabilities."""
    try:
        rows = parquet.read(file)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(f"{file}: not readable as Parquet ({error}); run the ctr stage again.") from None
    missing = [name for name in COLUMNS if name not in rows.columns]
    if missing:
        raise InputError(f"{file}: column {missing[0]!r} is missing; run the ctr stage again.")
    rows = rows.select(
        pl.col("row_id", "user_id", "split"),
        pl.col("label").cast(pl.Int8, strict=False),
        pl.col("score").cast(pl.Float64, strict=False),
    )
    bad = rows.filter(~pl.col("score").is_between(0, 1).fill_null(False))  # NaN counts as above 1
    if not bad.is_empty():
        raise InputError(
            f"{file}: row_id {bad['row_id'][0]} has score {bad['score'][0]}, a probability was expected; "
            "the model diverged, lower its learning rate."
        )
    return rows
