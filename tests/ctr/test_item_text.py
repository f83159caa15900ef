"""Item text in the CTR model: its worth for items never trained on, and that all networks take it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from lightning.pytorch import Trainer

from tests.ctr.test_networks import REFERENCES, every_network
from userip_lightning.artifact import read_manifest
from userip_lightning.ctr.datamodule import CTRDataModule
from userip_lightning.ctr.export import MODEL
from userip_lightning.ctr.layers.basic import EMBEDDING_STD, FusedEmbedding
from userip_lightning.ctr.module import CTRModule
from userip_lightning.ctr.networks.base import CTRNet
from userip_lightning.ctr.row_adam import RowAdam
from userip_lightning.data.cold_items import ColdItems
from userip_lightning.data.labels import Implicit
from userip_lightning.data.preparation import Preparation
from userip_lightning.data.sources.synthesize import Planted
from userip_lightning.texts.source import BagOfWords, TextSource


@pytest.fixture(autouse=True, scope="module")
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("USERIP_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def cold(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Planted users whose hobby decides what they take; half of the titles are in no TRAIN row."""
    preparation = Preparation(Planted(users=60, rows_per_user=24), labels=Implicit(), split=ColdItems())
    return preparation.run(tmp_path_factory.mktemp("cold"), lambda _: None)


def data_of(prepared: Path, text: TextSource | None) -> CTRDataModule:
    return CTRDataModule(str(prepared), batch_size=64, item_text=text)


def trainer(folder: Path, epochs: int) -> Trainer:
    return Trainer(
        default_root_dir=folder,
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        limit_val_batches=0,
    )


def auc_of(module: CTRModule, data: CTRDataModule, folder: Path, weights: Path | None = None) -> float:
    (figures,) = trainer(folder, 0).test(module, data, ckpt_path=weights, verbose=False)
    return figures["test/auc"]


def unknown_items(module: CTRModule) -> list[torch.Tensor]:
    """What every table holds for an item without a TRAIN row: value 0 of ``item_id``."""
    tables = [table for table in module.modules() if isinstance(table, FusedEmbedding)]
    return [table.table.weight.data[int(table.offsets[1])] for table in tables]


def fitted(prepared: Path, text: TextSource | None, folder: Path) -> tuple[CTRModule, CTRDataModule]:
    module, data = CTRModule(optimizer=lambda weights: RowAdam(weights, lr=0.02)), data_of(prepared, text)
    trainer(folder, 8).fit(module, data)
    return module, data


def test_text_ranks_items_that_no_training_row_has_met(cold: Path, tmp_path: Path) -> None:
    without = auc_of(*fitted(cold, None, tmp_path), tmp_path)
    found = auc_of(*fitted(cold, BagOfWords(), tmp_path), tmp_path)
    assert without == pytest.approx(0.5, abs=0.03)  # an unseen item's id says nothing
    assert found > without + 0.15


def test_the_embedding_of_unknown_ids_spoils_no_row(cold: Path, tmp_path: Path) -> None:
    """No step reaches it: it stays where it started, too small to drown what the text says."""
    module, data = fitted(cold, BagOfWords(), tmp_path)
    found = auc_of(module, data, tmp_path)
    rows = unknown_items(module)
    assert all(0 < row.abs().max() < 5 * EMBEDDING_STD for row in rows)
    for row in rows:
        row.zero_()
    assert auc_of(module, data, tmp_path) == pytest.approx(found, abs=0.01)


@every_network
def test_every_network_takes_the_text_and_its_export_is_tested_again(
    network: type[CTRNet], cold: Path, tmp_path: Path
) -> None:
    module, data = CTRModule(net=network), data_of(cold, BagOfWords())
    trainer(tmp_path, 1).fit(module, data)
    auc = auc_of(module, data, tmp_path)
    folder = module.export(tmp_path / "ctr")
    vectors = data.feature_schema.fields[2].vectors
    assert vectors is not None
    assert read_manifest(folder, "ctr").extra["fields"][2] == ["item_text", len(vectors)]
    saved = torch.load(folder / MODEL)["state_dict"]
    read = [weight for weight in saved.values() if weight.shape[-1:] == vectors.shape[1:]]
    assert bool(read) == (network not in REFERENCES)
    assert all(weight.shape != vectors.shape for weight in saved.values())
    assert auc_of(CTRModule(net=network), data_of(cold, BagOfWords()), tmp_path, folder / MODEL) == auc
