"""The ctr artifact: what a trained model says of the judged rows, how good that is, and its weights.

Whatever writes one stands in the same tables: a CTR network, or any other model that scores rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import lightning
import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from userip_lightning.artifact import Manifest, writing
from userip_lightning.ctr.scored import Quality, Scored, measure

#: Files of the artifact.
PREDICTIONS, METRICS, MODEL = "predictions.parquet", "metrics.json", "model.ckpt"


def with_scores(judged: pl.DataFrame, scored: Scored) -> pl.DataFrame:
    """``judged`` (``row_id``, ``user_id``, ``split``, ``label``) with ``score``, of scored rows alone."""
    scores = pl.DataFrame({"row_id": scored.row_id.numpy(), "score": scored.score.numpy()})
    return judged.join(scores, on="row_id", how="inner").sort("row_id")


def quality(tested: pl.DataFrame, split: str) -> Quality:
    """Figures of one split of what :func:`with_scores` gives.

    Raises:
        InputError: a score is not a number.
    """
    rows = tested.filter(pl.col("split") == split)
    return measure(rows["label"].cast(pl.Float32).to_torch(), rows["score"].to_torch())


def write_ctr(
    path: Path,
    tested: pl.DataFrame,
    manifest: Manifest,
    rows_seen: NDArray[np.int64],
    weights: Mapping[str, object],
    fill: Callable[[Path], None] | None = None,
) -> Path:
    """Write the artifact.

    Args:
        path: its folder; replaced as a whole.
        tested: what :func:`with_scores` gave.
        manifest: of kind ``ctr``.
        rows_seen: ids of the rows that training saw.
        weights: the module's state; what somebody else keeps, such as a frozen language model, left out.
        fill: writes further files into the folder that it is given.

    Raises:
        InputError: a score is not a number, or the folder cannot be written.
    """
    splits = tested["split"].unique().sort().to_list()
    metrics = {split: quality(tested, split)._asdict() for split in splits}
    with writing(path, manifest, rows_seen) as draft:
        tested.write_parquet(draft / PREDICTIONS)
        (draft / METRICS).write_text(json.dumps(metrics, indent=2))
        state = {"pytorch-lightning_version": lightning.__version__, "state_dict": dict(weights)}
        torch.save(state, draft / MODEL)
        if fill is not None:
            fill(draft)
    return Path(path)
