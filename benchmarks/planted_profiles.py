"""Do codes recover profiles that were planted? Adjusted Rand index of codes against the planted truth.

    python benchmarks/planted_profiles.py [--lm NAME] [--epochs N] [--users N]

Users of `userip_lightning.data.sources.synthesize.Planted` have one of four hobbies, told by their titles,
and one of three backgrounds, told by the price levels they buy (which the prompt does not show) and by how
they rate.
Stage 1 infers soft tokens under the LM, stage 2 turns them into 4 x 3 codes; neither sees the truth. 1 is
perfect, 0 is chance; "shuffled" are the same codes handed to other users. The anchor says how much stage 2
trusts the LM against the labels.
"""

from __future__ import annotations

import argparse
import tempfile
from itertools import product
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from lightning.pytorch import LightningDataModule, LightningModule, Trainer
from rich.console import Console
from rich.table import Table
from sklearn.metrics import adjusted_rand_score

from userip_lightning.bank import FeatureBank
from userip_lightning.data.preparation import Preparation
from userip_lightning.data.prepared import PreparedData
from userip_lightning.data.sources.synthesize import Planted
from userip_lightning.lm.prompt import ProfileName, PromptTemplate
from userip_lightning.lm.source import LMSource
from userip_lightning.pipeline.quiet import quiet
from userip_lightning.profile.datamodule import ProfileDataModule
from userip_lightning.profile.module import ProfileModule
from userip_lightning.quantize.datamodule import QuantizeDataModule
from userip_lightning.quantize.module import QuantizeModule

SIZES = {"hobby": 4, "background": 3}
PROMPT = PromptTemplate(
    [ProfileName("hobby", "This user's hobby is"), ProfileName("background", ", his background is")],
    soft_tokens=8,
)
ANCHORS = (0.25, 4.0)
EStep = Literal["straight_through", "none"]


def fit(module: LightningModule, data: LightningDataModule, epochs: int, folder: Path) -> None:
    """Train without bars, logs or checkpoints."""
    trainer = Trainer(
        max_epochs=epochs,
        default_root_dir=folder,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        limit_val_batches=0,
    )
    trainer.fit(module, datamodule=data)


def infer(prepared: Path, lm: str, epochs: int, folder: Path) -> Path:
    """Stage 1; returns the profiles artifact."""
    module = ProfileModule(LMSource(lm), PROMPT)
    fit(module, ProfileDataModule(str(prepared)), epochs, folder)
    return module.export(folder / "profiles")


def codes(prepared: Path, profiles: Path, e_step: EStep, anchor: float, folder: Path) -> FeatureBank:
    """Stage 2; returns the bank."""
    module = QuantizeModule(SIZES, e_step=e_step, anchor=anchor, allow_unused=True)
    fit(module, QuantizeDataModule(str(prepared), str(profiles)), 20, folder)
    module.export(folder / f"bank-{e_step}-{anchor}")
    return FeatureBank.open(folder / f"bank-{e_step}-{anchor}")


def main() -> None:
    """Print one row per way to move users in stage 2 and anchor."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lm", default=LMSource().name, help="hub name or folder (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=2, help="of stage 1 (default: %(default)s)")
    parser.add_argument("--users", type=int, default=400, help="planted users (default: %(default)s)")
    given = parser.parse_args()
    table = Table("e_step", "anchor", "hobby", "background", "hobby, shuffled", title="adjusted Rand index")
    with tempfile.TemporaryDirectory() as name, quiet():
        folder = Path(name)
        prepared = Preparation(Planted(users=given.users)).run(folder, report=print)
        users = PreparedData.load(prepared).users
        profiles = infer(prepared, given.lm, given.epochs, folder)
        for e_step, anchor in product(get_args(EStep), ANCHORS):
            bank = codes(prepared, profiles, e_step, anchor, folder)
            found = bank.lookup(users["user_id"].to_numpy().astype(np.str_))
            other = np.random.default_rng(0).permutation(found)
            pairs = ((found, "hobby", 0), (found, "background", 1), (other, "hobby", 0))
            scores = [adjusted_rand_score(users[truth].to_list(), c[:, p]) for c, truth, p in pairs]
            table.add_row(e_step, f"{anchor:g}", *(f"{score:.3f}" for score in scores))
    Console().print(table)


if __name__ == "__main__":
    main()
