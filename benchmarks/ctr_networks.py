"""Test AUC of every network on MovieLens-100K, ids alone, beside deepctr-torch's under the same protocol.

    python benchmarks/ctr_networks.py [--networks DCN DeepFM ...] [--seeds 0 1 2]

Same rows, random split 8:1:1, batch 128, at most 30 epochs, stop after 2 without a better validation AUC, the
best epoch counts. "Ours" has deepctr-torch's protocol: Adam at 1e-3 with the same L2 on all tables (3e-3
against its summed cross-entropy, so 3e-3 / 128 against our mean). "Defaults" are those of CTRModule. Of the
networks, one that deepctr-torch does not have stands alone.
"""

from __future__ import annotations

import argparse
import contextlib
import inspect
import os
import statistics
import tempfile
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from lightning.pytorch import Trainer
from ml100k import prepare
from rich.console import Console
from rich.table import Table
from sklearn.metrics import roc_auc_score

from userip_lightning.batches import CTRBatch
from userip_lightning.ctr.datamodule import CTRDataModule
from userip_lightning.ctr.module import CTRModule
from userip_lightning.pipeline.quiet import quiet
from userip_lightning.pipeline.resume import BEST, resumable
from userip_lightning.pipeline.settings import Selection
from userip_lightning.pipeline.stages import CTR, stage_parser

NETWORKS = (
    *("AFM", "AFN", "AutoInt", "BiasedMF", "DCN", "DCNv2", "DeepFM", "DIFM", "FFM", "FiBiNET"),
    *("Logistic", "ONN", "PNN"),
)
BATCH, EPOCHS, PATIENCE, PEER_L2 = 128, 30, 2, 3e-3


class Splits(NamedTuple):
    """The same rows for both."""

    data: CTRDataModule
    train: CTRBatch
    val: CTRBatch
    test: CTRBatch


def read(prepared: Path) -> Splits:
    """TRAIN, VAL and TEST rows as one batch each."""
    data = CTRDataModule(str(prepared), batch_size=1 << 30)
    (train,), (val,), (both,) = data.train_dataloader(), data.val_dataloader(), data.test_dataloader()
    testing = ~torch.isin(both.row_id, val.row_id)
    return Splits(data, train, val, CTRBatch(*(column[testing] for column in both)))


def ours(name: str, prepared: Path, seed: int, same_protocol: bool) -> float:
    """Test AUC of CTRModule with this network."""
    model: dict[str, Any] = {"net": name}
    objects = stage_parser(CTR).parse_object({"model": model, "data": {"prepared": str(prepared)}})
    module: CTRModule = stage_parser(CTR).instantiate(objects).model
    if same_protocol:
        adam = partial(torch.optim.Adam, lr=1e-3, fused=True)
        module = CTRModule(module.net, adam, l2=PEER_L2 / BATCH)
    data = CTRDataModule(str(prepared), batch_size=BATCH, seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            max_epochs=EPOCHS,
            accelerator="cpu",
            logger=False,
            default_root_dir=folder,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            callbacks=resumable(Path(folder), Selection("val/auc", patience=PATIENCE)),
        )
        trainer.fit(module, data)
        trainer.test(module, data, ckpt_path=str(Path(folder) / BEST), verbose=False)
    return float(trainer.callback_metrics["test/auc"])


def peer(name: str, splits: Splits, seed: int) -> float | None:
    """Test AUC of deepctr-torch's network of this name; None where it has none."""
    model = _peer_model(name, splits, seed)
    if model is None:
        return None
    model.compile(torch.optim.Adam(model.parameters(), lr=1e-3), "binary_crossentropy", metrics=[])
    torch.manual_seed(seed)
    names = [field.name for field in splits.data.feature_schema.fields]
    train, val, test = (dict(zip(names, rows.fields.numpy().T.copy(), strict=True)) for rows in splits[1:])
    best, waited, result = 0.0, 0, 0.0
    for _ in range(EPOCHS):
        model.fit(train, splits.train.label.numpy()[:, None], batch_size=BATCH, epochs=1, verbose=0)
        auc = roc_auc_score(splits.val.label, model.predict(val, 4096))
        if auc > best:
            best, waited, result = auc, 0, roc_auc_score(splits.test.label, model.predict(test, 4096))
        else:
            waited += 1
            if waited == PATIENCE:
                break
    return result


def _peer_model(name: str, splits: Splits, seed: int) -> Any:
    """Its model with the paper's settings, as far as its constructor takes them."""
    from deepctr_torch import models
    from deepctr_torch.inputs import SparseFeat

    matrix = {"cross_parameterization": "matrix"} if name == "DCNv2" else {}
    build = getattr(models, "DCN" if matrix else name, None)
    if build is None:
        return None
    columns = [SparseFeat(field.name, field.size, 8) for field in splits.data.feature_schema.fields]
    l2 = {"l2_reg_linear": PEER_L2, "l2_reg_embedding": PEER_L2, "l2_reg_cross": 0.0, "l2_reg_att": 0.0}
    shape = {"dnn_hidden_units": (16, 16), "dnn_dropout": 0.2, "cross_num": 3, "seed": seed, "device": "cpu"}
    wanted = {"linear_feature_columns": columns, "dnn_feature_columns": columns, **l2, **shape, **matrix}
    taken = inspect.signature(build).parameters
    return build(**{key: value for key, value in wanted.items() if key in taken})


def _row(name: str, prepared: Path, splits: Splits, seeds: list[int]) -> tuple[str, ...]:
    """One network over all seeds."""
    same = [ours(name, prepared, seed, same_protocol=True) for seed in seeds]
    defaults = [ours(name, prepared, seed, same_protocol=False) for seed in seeds]
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        theirs = [auc for seed in seeds if (auc := peer(name, splits, seed)) is not None]
    if not theirs:
        return name, "–", _spread(same), "–", _spread(defaults)
    return name, _spread(theirs), _spread(same), f"{np.mean(same) - np.mean(theirs):+.4f}", _spread(defaults)


def _spread(values: list[float]) -> str:
    deviation = f" ± {statistics.stdev(values):.4f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.4f}{deviation}"


def main() -> None:
    """Print one row per network."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=NETWORKS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="(default: %(default)s)")
    given = parser.parse_args()
    torch.set_num_threads(1)
    table = Table("network", "deepctr-torch", "ours", "ours − theirs", "ours, defaults", title="test AUC")
    with tempfile.TemporaryDirectory() as folder, quiet():
        prepared = prepare(Path(folder), report=print)
        splits = read(prepared)
        for name in given.networks:
            table.add_row(*_row(name, prepared, splits, given.seeds))
            print(f"{name}: done", flush=True)
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
