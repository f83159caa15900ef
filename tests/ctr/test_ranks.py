"""Three processes train the model of one."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from lightning.pytorch import Trainer
from torch import Tensor, nn

from tests.distributed.processes import together
from userip_lightning.ctr.datamodule import CTRDataModule
from userip_lightning.ctr.layers.basic import MLP, FusedEmbedding
from userip_lightning.ctr.layers.normalization import BatchNorm
from userip_lightning.ctr.module import CTRModule
from userip_lightning.ctr.networks.base import CTRNet
from userip_lightning.ctr.row_adam import RowAdam
from userip_lightning.data.prepared import PreparedData
from userip_lightning.schema import TRAIN, FeatureSchema

QUIET: dict[str, Any] = {
    "accelerator": "cpu",
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
}


class Normalized(CTRNet):
    """Batch normalization over [N, E, F] and over [N, C], and dropout."""

    def __init__(self, schema: FeatureSchema) -> None:
        super().__init__()
        self.embedding = FusedEmbedding(schema, 4)
        self.norm = BatchNorm(4)
        self.deep = MLP(4 * len(schema.fields), (8,), 0.3, batch_norm=True)
        self.output = nn.Linear(8, 1)

    def forward(self, fields: Tensor) -> Tensor:
        x = self.norm(self.embedding(fields).transpose(1, 2))
        logits: Tensor = self.output(self.deep(x.flatten(1))).squeeze(1)
        return logits


SGD = functools.partial(torch.optim.SGD, lr=0.05)
#: Row-sparse Adam, with an epsilon that does not blow rounding up where gradients vanish, and dropout; batch
#: normalization, dropout and L2 of whole tables under plain descent.
MODELS: dict[str, Callable[[], CTRModule]] = {
    "rows": functools.partial(CTRModule, optimizer=functools.partial(RowAdam, eps=1e-3), l2=1e-3),
    "normalized": functools.partial(CTRModule, net=Normalized, optimizer=SGD, l2=1e-3),
}
TOLERANCE = 1e-5
RANKS = 3


def learn(prepared: Path, batch_size: int, folder: Path, devices: int) -> None:
    """Fit, test and export every model."""
    for name, build in MODELS.items():
        module, data = build(), CTRDataModule(str(prepared), batch_size=batch_size, seed=1)
        run = Trainer(devices=devices, max_epochs=2, default_root_dir=folder, **QUIET)
        run.fit(module, data)
        logged = {key: float(value) for key, value in run.callback_metrics.items()}
        run.test(module, data, verbose=False)
        module.export(folder / name)
        if run.is_global_zero:
            (folder / f"{name}.json").write_text(json.dumps(logged))


@pytest.fixture(scope="module")
def outcomes(planted: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Folders of what one and several processes made."""
    rows = PreparedData.load(planted).rows(TRAIN).height
    size = next(size for size in range(40, rows) if rows % size == RANKS - 1)  # one rank has none of the last
    one, several = (tmp_path_factory.mktemp(name) for name in ("one", "several"))
    learn(planted, size, one, devices=1)
    together(learn, planted, size, several, RANKS, ranks=RANKS)
    return one, several


@pytest.mark.parametrize("name", MODELS)
def test_ranks_take_the_steps_of_one_process(outcomes: tuple[Path, Path], name: str) -> None:
    one, several = (torch.load(folder / name / "model.ckpt")["state_dict"] for folder in outcomes)
    assert one.keys() == several.keys()
    for key, weight in one.items():
        assert torch.allclose(several[key], weight, atol=TOLERANCE), key


@pytest.mark.parametrize("name", MODELS)
def test_ranks_judge_every_row_once(outcomes: tuple[Path, Path], planted: Path, name: str) -> None:
    one, several = (pl.read_parquet(folder / name / "predictions.parquet") for folder in outcomes)
    assert several.drop("score").equals(one.drop("score"))
    assert sorted(several["row_id"]) == sorted(PreparedData.load(planted).judged_rows())
    assert (several["score"] - one["score"]).abs().max() < TOLERANCE
    ours, theirs = (json.loads((folder / name / "metrics.json").read_text()) for folder in outcomes)
    for split, figures in theirs.items():
        assert ours[split] == pytest.approx(figures, abs=1e-3)


@pytest.mark.parametrize("name", MODELS)
def test_ranks_log_what_one_process_logs(outcomes: tuple[Path, Path], name: str) -> None:
    one, several = (json.loads((folder / f"{name}.json").read_text()) for folder in outcomes)
    assert several == pytest.approx(one, abs=1e-3)
    assert several["train/loss"] == pytest.approx(one["train/loss"], abs=1e-5)
