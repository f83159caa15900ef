"""Methods that were judged on a part: some rows of their block, or the first of its seeds.

A language model that scores rows one prompt at a time is too dear for every row and seed. It is judged where
it was run, and whatever it is compared with is restricted to the same rows and seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from userip_lightning.errors import InputError
from userip_lightning.report.predictions import FILE, Predictions, Rows, Validation, expect_same_origin
from userip_lightning.report.statistics.metrics import Floats


class Judged(NamedTuple):
    """One method's scores on the N rows and with the S seeds that it was judged on."""

    rows: Rows
    scores: Floats  # [S, N], probabilities, the block's first S seeds in their order
    validations: tuple[Validation, ...]  # of every seed

    @property
    def predictions(self) -> Predictions:
        """The same for one method alone, without row ids."""
        pairs = zip(self.validations, self.scores, strict=True)
        calibrated = np.stack([validation.calibrate(score) for validation, score in pairs])
        return Predictions(self.rows.users, self.rows.label, self.scores, calibrated)


def restrict(judged: Judged, part: Judged) -> Predictions | None:
    """The scores of ``judged`` on the rows and first seeds of ``part``, calibrated on its validation rows.

    Args:
        judged: a method of the same block.
        part: whose rows, of validation too, and number of seeds to take.

    Returns:
        None where ``judged`` was not judged on all of those rows with as many seeds.
    """
    seeds = part.scores.shape[0]
    wanted, present = part.rows.row_id, judged.rows.row_id
    if judged.scores.shape[0] < seeds or not np.isin(wanted, present).all():
        return None
    pairs = zip(judged.validations, part.validations, strict=False)  # the part may have fewer seeds
    validations = [_restricted(theirs, ours.row_id) for theirs, ours in pairs]
    if None in validations:
        return None
    scores = judged.scores[:seeds, np.searchsorted(present, wanted)]
    return Judged(part.rows, scores, tuple(filter(None, validations))).predictions


def _restricted(validation: Validation, wanted: NDArray[np.int64]) -> Validation | None:
    """The rows of these ids; None where one is missing."""
    if not np.isin(wanted, validation.row_id).all():
        return None
    places = np.searchsorted(validation.row_id, wanted)
    return Validation(wanted, validation.label[places], validation.score[places])


def expect_part(folder: Path, rows: Rows, whole: Rows, split: str) -> None:
    """Refuse rows that are no part of the block's.

    Args:
        folder: of the run, for the message.
        rows: what it was judged on.
        whole: the block's rows.
        split: of both, for the message.

    Raises:
        InputError: other prepared data, a row that the block does not have, or one of another user or label.
    """
    expect_same_origin(folder, rows, whole)
    strange = rows.row_id[~np.isin(rows.row_id, whole.row_id)]
    if strange.size:
        raise InputError(
            f"{folder / FILE}: its {split} row_id {strange[0]} is not among the {whole.row_id.size:,} rows "
            "of the other runs, but a part may have no other rows; run its stage again on the same data."
        )
    places = np.searchsorted(whole.row_id, rows.row_id)
    other = (rows.users != whole.users[places]) | (rows.label != whole.label[places])
    if other.any():
        raise InputError(
            f"{folder / FILE}: its {split} row_id {rows.row_id[other][0]} has another user or label than in "
            "the other runs; run its stage again on the same data."
        )


def union(parts: Sequence[Rows]) -> Rows:
    """All rows of parts of the same data; a row of several has the user and label of the first."""
    row_id, first = np.unique(np.concatenate([part.row_id for part in parts]), return_index=True)
    users = np.concatenate([part.users for part in parts])[first]
    label = np.concatenate([part.label for part in parts])[first]
    return Rows(parts[0].data_hash, row_id, users, label)
