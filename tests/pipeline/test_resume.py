"""Checkpoints that can be trusted, and early stopping that stays stopped."""

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from torch import nn
from torch.utils.data import DataLoader

from userip_lightning.pipeline.resume import BEST, LAST, resumable, resume_point
from userip_lightning.pipeline.settings import Selection


class Worsening(LightningModule):
    """Its validation Logloss grows with every epoch, so that early stopping has something to do."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def training_step(self, batch: torch.Tensor) -> torch.Tensor:
        return (self.weight * batch).sum()

    def validation_step(self, batch: torch.Tensor) -> None:
        self.log("val/logloss", float(self.current_epoch))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def train(work, resume: bool, epochs: int = 20) -> Trainer:
    trainer = Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        default_root_dir=work,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=resumable(work, Selection("val/logloss", patience=2)),
    )
    loader = DataLoader(torch.ones(2, 1))
    trainer.fit(Worsening(), loader, loader, ckpt_path=resume_point(work, print) if resume else None)
    return trainer


def test_a_run_that_stopped_early_does_not_go_on_when_resumed(tmp_path):
    first = train(tmp_path, resume=False)
    assert first.current_epoch == 3
    again = train(tmp_path, resume=True)
    assert again.global_step == first.global_step


def test_the_best_epoch_is_kept_beside_the_last(tmp_path):
    train(tmp_path, resume=False)
    epochs = [torch.load(tmp_path / name, weights_only=False)["epoch"] for name in (BEST, LAST)]
    assert epochs == [0, 2]


def test_the_best_epoch_stays_the_best_where_the_folder_has_moved(tmp_path):
    train(tmp_path / "here", resume=False, epochs=2)
    (tmp_path / "here").rename(tmp_path / "there")
    trainer = train(tmp_path / "there", resume=True)
    assert trainer.current_epoch == 3
    assert torch.load(tmp_path / "there" / BEST, weights_only=False)["epoch"] == 0
    assert trainer.checkpoint_callback.best_model_path == str(tmp_path / "there" / BEST)
    assert not (tmp_path / "here").exists()


def test_nothing_to_resume_from(tmp_path):
    assert resume_point(tmp_path, print) is None


@pytest.mark.parametrize("name", [LAST, BEST])
@pytest.mark.parametrize("damage", ["truncated", "flipped"])
def test_a_damaged_checkpoint_means_a_fresh_start(tmp_path, name, damage):
    for file in (LAST, BEST):
        torch.save({"state_dict": {"weight": torch.arange(10_000)}}, tmp_path / file)
    data = bytearray((tmp_path / name).read_bytes())
    if damage == "truncated":
        data = data[: len(data) // 2]
    else:
        data[len(data) // 2] ^= 255
    (tmp_path / name).write_bytes(data)
    notices: list[str] = []
    assert resume_point(tmp_path, notices.append) is None
    assert len(notices) == 1
    assert name in notices[0]
    assert not (tmp_path / LAST).exists()
    assert not (tmp_path / BEST).exists()


def test_whole_checkpoints_are_resumed_from_without_a_word(tmp_path):
    for file in (LAST, BEST):
        torch.save({"state_dict": {}}, tmp_path / file)
    notices: list[str] = []
    assert resume_point(tmp_path, notices.append) == tmp_path / LAST
    assert notices == []
