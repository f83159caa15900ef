"""Planted hobbies are found again by the default language model: stages 1 and 2, no truth shown to either.

The only test that needs the default LM; a random LM of the same shape cannot pass it (0.29 at best).
"""

from pathlib import Path

import numpy as np
import pytest
from lightning.pytorch import LightningDataModule, LightningModule, Trainer
from sklearn.metrics import adjusted_rand_score

from userip_lightning.assets import ensure_model
from userip_lightning.bank import FeatureBank
from userip_lightning.data.preparation import Preparation
from userip_lightning.data.prepared import PreparedData
from userip_lightning.data.sources.synthesize import Planted
from userip_lightning.errors import InputError
from userip_lightning.lm.prompt import PromptTemplate
from userip_lightning.lm.source import LMSource
from userip_lightning.profile.datamodule import ProfileDataModule
from userip_lightning.profile.module import ProfileModule
from userip_lightning.quantize.datamodule import QuantizeDataModule
from userip_lightning.quantize.module import QuantizeModule


@pytest.fixture(scope="module")
def default_lm() -> LMSource:
    try:
        return LMSource(str(ensure_model()))
    except InputError as error:
        pytest.skip(f"the default language model cannot be fetched: {error}")


def fit(module: LightningModule, data: LightningDataModule, epochs: int, folder: Path) -> None:
    trainer = Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        default_root_dir=folder,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        limit_val_batches=0,
    )
    trainer.fit(module, datamodule=data)


@pytest.mark.timeout(900)
def test_the_hobby_of_planted_users_is_recovered(default_lm: LMSource, tmp_path: Path) -> None:
    prepared = Preparation(Planted(users=100)).run(tmp_path, report=lambda _: None)
    users = PreparedData.load(prepared).users
    profile = ProfileModule(default_lm, PromptTemplate(soft_tokens=8, disliked=None))
    fit(profile, ProfileDataModule(str(prepared), behaviours=4), 1, tmp_path)
    profiles = profile.export(tmp_path / "profiles")
    # the anchor says that the text is to be trusted: here it tells the hobby, which labels only hint at
    quantize = QuantizeModule({"hobby": 4, "background": 3}, anchor=4.0)
    fit(quantize, QuantizeDataModule(str(prepared), str(profiles)), 20, tmp_path)
    quantize.export(tmp_path / "bank")
    codes = FeatureBank.open(tmp_path / "bank").lookup(users["user_id"].to_numpy().astype(np.str_))[:, 0]
    assert adjusted_rand_score(users["hobby"].to_list(), codes) >= 0.8
    others = np.random.default_rng(0).permutation(codes)
    assert abs(adjusted_rand_score(users["hobby"].to_list(), others)) < 0.05
