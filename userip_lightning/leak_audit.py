"""The leak audit: no stage is trained on a row that a model is judged on (docs/evidence.md).

Every artifact keeps the ids of the rows that its training saw. A later stage refuses one that saw a row of
the validation or test split.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from userip_lightning.arrays import read_array
from userip_lightning.errors import InputError

#: File of an artifact with the sorted ids of the rows that its training saw.
ROWS_SEEN = "rows_seen.npy"


def rows_hash(rows: NDArray[np.int64]) -> str:
    """Hash of a set of row ids; the order does not matter."""
    return hashlib.sha256(np.unique(rows.astype(np.int64)).tobytes()).hexdigest()[:16]


def rows_seen(path: str | Path) -> NDArray[np.int64]:
    """Sorted row ids that the artifact's training saw; empty where it saw none."""
    file = Path(path) / ROWS_SEEN
    return read_array(file, "i", (None,)) if file.is_file() else np.empty(0, dtype=np.int64)


def refuse_leak(path: str | Path, judged: NDArray[np.int64]) -> None:
    """Refuse an artifact that saw a row on which a model is about to be judged.

    Args:
        path: the artifact's folder.
        judged: row ids of the validation and test rows.

    Raises:
        InputError: at least one judged row was seen.
    """
    refuse_overlap(path, rows_seen(path), judged)


def refuse_overlap(source: str | Path, seen: NDArray[np.int64], judged: NDArray[np.int64]) -> None:
    """Refuse to train on, or to trust what was trained on, rows that a model is judged on.

    Raises:
        InputError: ``seen`` and ``judged`` share a row id.
    """
    leaked = np.intersect1d(seen, judged)
    if leaked.size:
        raise InputError(
            f"{source}: leak, {leaked.size} rows that the model is judged on are among those it was trained "
            f"on (first row_id {int(leaked[0])}); train on the training split alone."
        )
