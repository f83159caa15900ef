"""Builds stage 1 runs that differ in few settings."""

from pathlib import Path

from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from userip_lightning.lm.prompt import PromptTemplate
from userip_lightning.lm.source import LMSource
from userip_lightning.profile.datamodule import ProfileDataModule
from userip_lightning.profile.module import ProfileModule

PROMPT = PromptTemplate(soft_tokens=2)


class Run:
    """Builds modules, data and trainers that differ in few settings."""

    def __init__(self, prepared: Path, lm: Path) -> None:
        self.prepared, self.lm = prepared, LMSource(str(lm), dtype="float32")

    def module(self, **settings: object) -> ProfileModule:
        return ProfileModule(**{"lm": self.lm, "prompt": PROMPT, **settings})

    def data(self, **settings: object) -> ProfileDataModule:
        return ProfileDataModule(**{"prepared": str(self.prepared), "block_size": 16, **settings})

    def trainer(self, root: Path, epochs: int) -> Trainer:
        return Trainer(
            default_root_dir=root,
            max_epochs=epochs,
            accelerator="cpu",
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[ModelCheckpoint(root, save_last=True, save_top_k=0)],
        )

    def fit(self, root: Path, epochs: int = 2, ckpt: Path | None = None, **settings: object) -> ProfileModule:
        module = self.module(**settings)
        self.trainer(root, epochs).fit(module, datamodule=self.data(), ckpt_path=ckpt)
        return module
