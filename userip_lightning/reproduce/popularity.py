"""Item popularity as a CTR model: score of a row = (positives of its item + κ·m) / (rows of its item + κ).

Counted over TRAIN rows, m their share of positives; an item without a TRAIN row scores m. It knows nothing of
users: a network that does not beat it has learned no taste.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl

from userip_lightning.artifact import SCHEMA_VERSION, Manifest, read_manifest, stable_hash, writing
from userip_lightning.atomic import write_text
from userip_lightning.data.prepared import PreparedData
from userip_lightning.pipeline.code_version import code_hash
from userip_lightning.pipeline.plan import Place
from userip_lightning.report.statistics.metrics import auc, logloss
from userip_lightning.reproduce.row_task import Outcome, relative
from userip_lightning.schema import TEST, TRAIN, VAL

#: κ: an item's share of positives is pulled to the global one as by this many rows.
_PRIOR = 5.0
_KIND = "ctr"


def popularity(place: Place, seeds: int) -> Outcome:
    """Write the ctr artifact, unless it is there; nothing is drawn, so every seed has the same one.

    Raises:
        InputError: the prepared data is damaged, or the folder cannot be written.
    """
    decides = {"schema": SCHEMA_VERSION, "code": code_hash([__name__]), "data": place.data_hash}
    key = stable_hash({"reference": "item popularity", **decides})
    target = place.root / _KIND / key
    if not target.exists():
        _write(target, key, PreparedData.load(place.prepared))
    read_manifest(target, _KIND)
    validation = json.loads((target / "metrics.json").read_text(encoding="utf-8"))["val"]["auc"]
    return Outcome(runs=(relative(target, place),) * seeds, validation_auc=validation, seconds=0.0)


def _write(target: Path, key: str, prepared: PreparedData) -> None:
    trained = prepared.rows(TRAIN)
    judged = prepared.rows(VAL, TEST)
    item = trained["item"].to_numpy()
    label = trained["label"].cast(pl.Float64).to_numpy()
    positives = np.bincount(item, weights=label, minlength=prepared.n_items)
    rows = np.bincount(item, minlength=prepared.n_items)
    rate = (positives + _PRIOR * label.mean()) / (rows + _PRIOR)
    scored = judged.select("row_id", "user_id", "split", "label").with_columns(
        score=pl.Series(rate[judged["item"].to_numpy()], dtype=pl.Float32)
    )
    metrics = {split: _quality(scored.filter(split=split)) for split in (VAL, TEST)}
    manifest = Manifest(_KIND, key, prepared.data_hash, prepared.n_users)
    with writing(target, manifest, trained["row_id"].to_numpy()) as draft:
        scored.sort("row_id").write_parquet(draft / "predictions.parquet")
        write_text(draft / "metrics.json", json.dumps(metrics, indent=2))


def _quality(rows: pl.DataFrame) -> dict[str, float]:
    label, score = rows["label"].to_numpy(), rows["score"].cast(pl.Float64).to_numpy()
    return {"auc": auc(label, score), "logloss": logloss(label, score), "rows": rows.height}
