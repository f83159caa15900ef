import json
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
import pytest
import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.cli import OptimizerCallable
from lightning.pytorch.utilities.exceptions import MisconfigurationException
from sklearn.metrics import roc_auc_score

from userip_lightning.artifact import Manifest, read_manifest, writing
from userip_lightning.batches import CTRBatch
from userip_lightning.ctr.datamodule import CTRDataModule
from userip_lightning.ctr.module import CTRModule
from userip_lightning.ctr.networks.dcn import DCN
from userip_lightning.ctr.row_adam import RowAdam
from userip_lightning.data.prepared import PreparedData
from userip_lightning.data.row_slices import RowSlices
from userip_lightning.errors import InputError
from userip_lightning.leak_audit import rows_seen
from userip_lightning.schema import TRAIN, ProfileVectors

ADAM = partial(torch.optim.Adam, lr=0.02)


def trainer(
    folder: Path,
    epochs: int = 2,
    checkpoint: bool = False,
    precision: Literal["32-true", "bf16-mixed"] = "32-true",
    accumulate: int = 1,
    clip: float | None = None,
) -> Trainer:
    callbacks = [ModelCheckpoint(folder, save_last=True, save_top_k=0)] if checkpoint else []
    return Trainer(
        default_root_dir=folder,
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        callbacks=list(callbacks),
        enable_checkpointing=checkpoint,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=1,
        precision=precision,
        accumulate_grad_batches=accumulate,
        gradient_clip_val=clip,
    )


def whole(data: CTRDataModule) -> CTRBatch:
    """All training rows in the order of their ids."""
    rows = CTRBatch(*map(torch.cat, zip(*data.train_dataloader(), strict=True)))
    return CTRBatch(*(column[rows.row_id.argsort()] for column in rows))


def fitted(
    prepared: Path,
    folder: Path,
    epochs: int = 2,
    ckpt: str | None = None,
    l2: float = 0.0,
    optimizer: OptimizerCallable = ADAM,
) -> CTRModule:
    module = CTRModule(optimizer=optimizer, l2=l2)
    data = CTRDataModule(str(prepared), batch_size=128, seed=3)
    trainer(folder, epochs, checkpoint=True).fit(module, data, ckpt_path=ckpt)
    return module


@pytest.mark.parametrize("optimizer", [ADAM, RowAdam])
def test_a_resumed_run_has_the_weights_of_an_uninterrupted_one(
    planted: Path, tmp_path: Path, optimizer: OptimizerCallable
) -> None:
    run = partial(fitted, planted, l2=1e-3, optimizer=optimizer)
    torch.manual_seed(1)
    whole = run(tmp_path / "whole", epochs=4)
    torch.manual_seed(2)
    run(tmp_path / "half", epochs=2)
    resumed = run(tmp_path / "half", epochs=4, ckpt=str(tmp_path / "half" / "last.ckpt"))
    for name, weight in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], weight), name


def test_epochs_differ_and_seeds_differ(planted: Path, tmp_path: Path) -> None:
    module = CTRModule()
    data = CTRDataModule(str(planted), seed=0)
    orders, noise = [], []

    class Net(DCN):
        def forward(self, fields: torch.Tensor) -> torch.Tensor:
            if self.training:
                orders.append(fields)
                noise.append(torch.rand(4))
            return super().forward(fields)

    module.net = Net
    trainer(tmp_path).fit(module, data)
    assert len(orders) == 2
    assert not torch.equal(orders[0], orders[1])
    assert not torch.equal(noise[0], noise[1])
    module.net = DCN
    del module.network
    data.seed = 1
    trainer(tmp_path, epochs=1).fit(module, data)
    first = next(iter(data.train_dataloader())).fields
    assert not torch.equal(first, orders[0])


def test_validation_figures_are_those_of_all_rows_at_once(planted: Path, tmp_path: Path) -> None:
    module = CTRModule(optimizer=ADAM)
    data = CTRDataModule(str(planted), batch_size=7)
    fit = trainer(tmp_path)
    fit.fit(module, data)
    rows = CTRDataModule(str(planted), batch_size=10_000).val_dataloader()
    (batch,) = rows
    with torch.no_grad():
        score = module.eval()(batch.fields).sigmoid()
    loss = torch.nn.functional.binary_cross_entropy(score, batch.label)
    assert fit.callback_metrics["val/auc"].item() == pytest.approx(
        roc_auc_score(batch.label, score), abs=1e-6
    )
    assert fit.callback_metrics["val/logloss"].item() == pytest.approx(loss.item(), abs=1e-6)
    assert fit.callback_metrics["train/loss"] > 0


def test_learns_what_was_planted(planted: Path, tmp_path: Path) -> None:
    module = CTRModule(optimizer=ADAM)
    fit = trainer(tmp_path, epochs=8)
    fit.fit(module, CTRDataModule(str(planted), batch_size=64))
    assert fit.callback_metrics["val/auc"] > 0.6


def test_l2_of_a_dense_optimizer_is_a_term_of_the_loss(planted: Path, tmp_path: Path) -> None:
    module = CTRModule(optimizer=ADAM, l2=0.5)
    data = CTRDataModule(str(planted))
    trainer(tmp_path, epochs=1).fit(module, data)
    batch = next(iter(data.train_dataloader()))
    module.eval()
    with_l2 = module.loss(batch)
    module.l2 = 0.0
    without = module.loss(batch)
    expected = 0.5 * sum(table.square().sum() for table in module.network.tables())
    assert torch.allclose(with_l2 - without, expected, rtol=1e-4)
    names = [name for name, _ in module.network.named_parameters() if "table" in name]
    assert names == ["embedding.table.weight", "first_order.weight.table.weight"]


def test_l2_of_the_default_optimizer_shrinks_tables_and_nothing_else(planted: Path, tmp_path: Path) -> None:
    def norms(l2: float) -> dict[str, float]:
        module = fitted(planted, tmp_path / str(l2), epochs=6, l2=l2, optimizer=partial(RowAdam, lr=0.02))
        return {name: weight.norm().item() for name, weight in module.network.named_parameters()}

    free, held = norms(0.0), norms(0.3)
    shrunk = {name for name in free if held[name] < 0.3 * free[name]}
    assert shrunk == {"embedding.table.weight", "first_order.weight.table.weight"}


def test_rows_without_a_training_row_keep_their_start(planted: Path, tmp_path: Path) -> None:
    """Value 0 of a field is an id that training never sees: neither Adam nor L2 may move its row."""
    module = fitted(planted, tmp_path, l2=0.1, optimizer=RowAdam)
    torch.manual_seed(3)
    start = DCN(module.data.feature_schema)
    assert all(table.grad is None or table.grad.is_sparse for table in module.network.tables())
    for table, before in zip(module.network.tables(), start.tables(), strict=True):
        assert torch.equal(table[0], before[0])
        assert not torch.equal(table[1], before[1])


def test_mixed_precision_learns_with_sparse_gradients(planted: Path, tmp_path: Path) -> None:
    module = CTRModule(optimizer=partial(RowAdam, lr=0.02))
    fit = trainer(tmp_path, epochs=8, precision="bf16-mixed")
    fit.fit(module, CTRDataModule(str(planted), batch_size=64))
    assert fit.callback_metrics["val/auc"] > 0.6


def test_a_step_is_taken_for_every_batch_of_a_block(planted: Path, tmp_path: Path) -> None:
    net = partial(DCN, dropout=0.0)
    module = CTRModule(net)
    data = CTRDataModule(str(planted), batch_size=16, seed=3)
    fit = trainer(tmp_path, epochs=1)
    fit.fit(module, data)
    by_hand = CTRModule(net)
    by_hand.trainer = fit
    by_hand.configure_model()
    optimizer = by_hand.configure_optimizers()
    rows = RowSlices(whole(data), 16, 3, rank=0, ranks=1)
    for batch in rows:
        optimizer.zero_grad()
        by_hand.loss(batch).backward()
        optimizer.step()
    assert len(rows) > 10 > len(data.train_dataloader())
    assert fit.global_step == len(rows)
    for name, weight in by_hand.network.state_dict().items():
        assert torch.equal(module.network.state_dict()[name], weight), name


@pytest.mark.parametrize("setting", [{"clip": 1.0}, {"accumulate": 2}])
def test_what_needs_lightning_to_step_is_refused(planted: Path, tmp_path: Path, setting: dict) -> None:
    with pytest.raises(MisconfigurationException, match="not supported for manual optimization"):
        trainer(tmp_path, **setting).fit(CTRModule(), CTRDataModule(str(planted)))


def test_export_holds_val_and_test_rows_and_can_be_tested_again(planted: Path, tmp_path: Path) -> None:
    module = fitted(planted, tmp_path)
    data = CTRDataModule(str(planted), batch_size=33, seed=3)
    judge = trainer(tmp_path)
    judge.test(module, data, verbose=False)
    folder = module.export(tmp_path / "ctr")
    rows = pl.read_parquet(folder / "predictions.parquet")
    assert rows.drop("score").equals(data.judged.sort("row_id"))
    assert rows.schema["score"] == pl.Float32
    assert set(rows["split"]) == {"val", "test"}
    metrics = json.loads((folder / "metrics.json").read_text())
    tested = rows.filter(split="test")
    assert metrics["test"]["auc"] == pytest.approx(roc_auc_score(tested["label"], tested["score"]), abs=1e-6)
    assert metrics["test"]["auc"] == pytest.approx(judge.callback_metrics["test/auc"].item())
    assert metrics["val"]["rows"] + metrics["test"]["rows"] == rows.height
    manifest = read_manifest(folder, "ctr")
    assert manifest.data_hash == data.provenance.data_hash
    assert not set(rows_seen(folder)) & set(rows["row_id"])

    again = CTRModule()
    trainer(tmp_path).test(again, data, ckpt_path=str(folder / "model.ckpt"), verbose=False)
    second = pl.read_parquet(again.export(tmp_path / "again") / "predictions.parquet")
    assert second.equals(rows)


def test_continuous_profiles_are_fields_of_the_export_and_in_no_checkpoint(
    planted: Path, tmp_path: Path
) -> None:
    prepared = PreparedData.load(planted)
    users = prepared.users["user_id"].to_numpy().astype(np.str_)
    z = np.random.default_rng(0).standard_normal((len(users), 1, 2, 23)).astype(np.float32)
    manifest = Manifest("profiles", "c", prepared.data_hash, len(users), extra={"names": ["hobby"]})
    with writing(tmp_path / "profiles", manifest, prepared.rows(TRAIN)["row_id"].to_numpy()) as draft:
        ProfileVectors(users, ("hobby",), z).save(draft)
    module = CTRModule()
    data = CTRDataModule(str(planted), profiles=str(tmp_path / "profiles"), seed=3)
    fit = trainer(tmp_path, checkpoint=True)
    fit.fit(module, data)
    fit.test(module, data, verbose=False)
    folder = module.export(tmp_path / "ctr")
    fields = read_manifest(folder, "ctr").extra["fields"]
    assert [name for name, _ in fields] == ["user_id", "item_id", "z_hobby"]
    for file in (tmp_path / "last.ckpt", folder / "model.ckpt"):
        weights = torch.load(file, weights_only=False)["state_dict"]
        assert {tuple(weight.shape) for weight in weights.values() if weight.shape[-1:] == (23,)} == {
            (8, 23),  # the linear map of the embedding
            (1, 23),  # and of the first-order part
        }


def test_export_before_test_is_refused(planted: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="test the model first"):
        CTRModule().export(tmp_path / "ctr")
    assert list(tmp_path.iterdir()) == []


def test_predict_gives_the_probabilities_of_the_test_rows(planted: Path, tmp_path: Path) -> None:
    module = CTRModule()
    data = CTRDataModule(str(planted), batch_size=50)
    parts = trainer(tmp_path).predict(module, data)
    assert parts is not None
    row_id = torch.cat([part.row_id for part in parts])
    assert sorted(row_id.tolist()) == data.judged["row_id"].sort().to_list()
    assert all(((part.score > 0) & (part.score < 1)).all() for part in parts)
