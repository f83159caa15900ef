"""MovieLens-100K for the benchmarks of stage 3: ids alone, random split 8:1:1, at least 4 ratings each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from contender import Rows

from userip_lightning.assets import ensure_ml100k
from userip_lightning.ctr.datamodule import CTRDataModule
from userip_lightning.data.preparation import Preparation
from userip_lightning.data.sources.movielens import MovieLens100K


def prepare(folder: Path, report: Callable[[str], None]) -> Path:
    """Prepared data under ``folder``; the published copy is fetched into the cache if it is not there."""
    source = MovieLens100K(str(ensure_ml100k(report=report)))
    return Preparation(source).run(folder, report=report)


def training_rows(prepared: Path) -> Rows:
    """The TRAIN rows."""
    data = CTRDataModule(str(prepared), batch_size=1 << 30)
    (batch,) = data.train_dataloader()
    fields = data.feature_schema.fields
    names, sizes = tuple(field.name for field in fields), tuple(field.size for field in fields)
    return Rows(names, sizes, batch.fields.numpy(), batch.label.numpy(), prepared)
